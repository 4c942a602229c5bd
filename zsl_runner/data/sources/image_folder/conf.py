"""Options of folders of pictures with masks, or with tags and perhaps masks. Never imports torch."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Final

from omegaconf import MISSING

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import RequiredFile
from zsl_runner.data.pairs.segmentation.options import SegmentationConf
from zsl_runner.data.pairs.segmentation.records import MOST_CLASSES
from zsl_runner.data.sources.pictures.shares import share_problems
from zsl_runner.data.tagged.options import TaggedConf
from zsl_runner.files.folders import expanded
from zsl_runner.files.names import normal

LISTS: Final = {"train": "train.txt", "validation": "validation.txt", "test": "test.txt"}
REMEDY: Final = (
    "With dataset.shares=null the splits are three text files in dataset.root, with the name of an image (without its "
    "ending) in each line; or give shares to draw the splits, e.g. dataset.shares=[0.4,0.1,0.5]."
)
TAGS_REMEDY = (
    "The tags are a text file in dataset.root with a line for each image: its name without its ending, then the "
    "classes it shows, with commas between, e.g. 2007_000032,aeroplane,person. They are never taken from masks; name "
    "another file with dataset.tags."
)


@dataclass
class PictureFolderOptions:
    """Where images are, what their masks mean, and who belongs to which split; a kind of data inherits it."""

    root: str = option(MISSING, "folder of the two folders; relative to the working directory")
    images: str = option("images", "folder of the images in `root`; also those in folders below it are read")
    side: int | None = option(
        128, "resize to squares of this side; null keeps the files' size, which must be one", low=16, high=1024
    )
    classes: list[str] = option(["background", "foreground"], "names of the classes, that of label 0 first")
    void: int | None = option(255, "label in masks that counts nowhere; null if there is none", low=0, high=65535)
    threshold: int | None = option(
        None,
        "for grey masks of two classes: larger values are the second class; null takes values as labels",
        low=0,
        high=65534,
    )
    colours: list[str] | None = option(
        None, "for masks in colours: the colour of each class as RRGGBB, e.g. [0000ff, 00ff00]; null takes labels"
    )
    shares: list[float] | None = option(
        None,
        "shares of training, validation and test images, drawn at random; null reads train.txt, validation.txt and "
        "test.txt in `root`",
        low=0.0,
        high=1.0,
        above=True,
    )
    split_seed: int = option(0, "seed of the draw of the splits; unused where text files name them", low=0)

    def image_side(self) -> int | None:
        """Return the side images are resized to."""
        return self.side

    def folder(self, name: str) -> Path:
        """Return the path of a file or folder in `root`."""
        return expanded(self.root) / name

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield the lists of the splits, if these are not drawn."""
        if self.shares is None:
            for name in LISTS.values():
                yield RequiredFile(str(self.folder(name)), REMEDY)

    def problems(self) -> Iterable[Problem]:
        """Yield what is wrong with the combination of options."""
        names = list(self.classes)
        if not 2 <= len(names) <= MOST_CLASSES or len(set(map(normal, names))) < len(names):
            yield Problem("classes", f"expected 2 to {MOST_CLASSES} different names, found {names}")
        if self.threshold is not None:
            if len(names) != 2:
                yield Problem("threshold", f"makes two classes, but `classes` names {len(names)}")
            if self.colours is not None:
                yield Problem("threshold", "masks are either grey or in colours; set threshold or colours to null")
            if self.void is not None:
                yield Problem("void", "has no effect with a threshold; use void=null")
        if self.colours is not None:
            if self.void is not None:
                yield Problem("void", "has no effect with colours; use void=null")
            codes = [code.lower() for code in self.colours]
            if len(codes) != len(names) or len(set(codes)) < len(codes):
                yield Problem("colours", f"expected {len(names)} different colours, one for each class, found {codes}")
            if wrong := [code for code in codes if not re.fullmatch("[0-9a-f]{6}", code)]:
                yield Problem("colours", f"expected six hexadecimal digits RRGGBB, found {', '.join(wrong)}")
        elif self.threshold is None and self.void is not None and self.void < len(names):
            yield Problem("void", f"{self.void} is the label of {names[self.void]!r}; choose a larger one or null")
        if self.shares is not None:
            yield from share_problems(self.shares)

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where files name the splits."""
        if self.shares is None:
            yield from idle("shares=null", "split_seed")


@dataclass
class ImageFolderConf(PictureFolderOptions, SegmentationConf):
    """Images and masks in two folders; a mask belongs to the image of the same name, whatever their endings."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.image_folder.source:load"
    other_pictures: ClassVar[str] = "zsl_runner.data.sources.image_folder.alone:for_masks"
    contents: ClassVar[str] = "zsl_runner.data.sources.image_folder.source:contents"

    kind: str = option("image_folder", "the implementation; fixed by the file chosen in the group")
    masks: str = option("masks", "folder of the masks in `root`, with the same folders below it")

    def pixel_classes(self) -> int:
        """Return how many classes are named."""
        return len(self.classes)


@dataclass
class TaggedFolderConf(PictureFolderOptions, TaggedConf):
    """Images in a folder, their tags in a text file, and perhaps masks, for evaluation and for training of a bound."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.image_folder.tagged:load"
    other_pictures: ClassVar[str] = "zsl_runner.data.sources.image_folder.alone:for_tags"
    contents: ClassVar[str] = "zsl_runner.data.sources.image_folder.source:contents"

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
