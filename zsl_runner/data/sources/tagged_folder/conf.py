"""Options of a folder of tagged images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.schema import RequiredFile
from zsl_runner.data.sources.image_folder.options import PictureFolderOptions
from zsl_runner.data.tagged.options import TaggedConf

TAGS_REMEDY = (
    "The tags are a text file in dataset.root with a line for each image: its name without its ending, then the "
    "classes it shows, with commas between, e.g. 2007_000032,aeroplane,person. They are never taken from masks; name "
    "another file with dataset.tags."
)


@dataclass
class TaggedFolderConf(PictureFolderOptions, TaggedConf):
    """Images in a folder, their tags in a text file, and perhaps masks, for evaluation and for training of a bound."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.tagged_folder.source:load"
    contents: ClassVar[str] = "zsl_runner.data.sources.tagged_folder.source:contents"

    kind: str = option("tagged_folder", "the implementation; fixed by the file chosen in the group")
    tags: str = option("tags.txt", "text file in `root`, in each line the name of an image and its tags")
    masks: str | None = option(
        None,
        "folder of masks in `root`, of the names of images, some of which may have none; null without masks",
    )

    def has_masks(self) -> bool:
        """Tell whether a folder of masks is named."""
        return self.masks is not None

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield the tags, and the lists of the splits, if these are not drawn."""
        yield RequiredFile(str(self.folder(self.tags)), TAGS_REMEDY)
        yield from super().required_files()
