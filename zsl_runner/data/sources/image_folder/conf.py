"""Options of a folder of images and masks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.data.pairs.segmentation.options import SegmentationConf
from zsl_runner.data.sources.image_folder.options import PictureFolderOptions


@dataclass
class ImageFolderConf(PictureFolderOptions, SegmentationConf):
    """Images and masks in two folders; a mask belongs to the image of the same name, whatever their endings."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.image_folder.source:load"
    contents: ClassVar[str] = "zsl_runner.data.sources.image_folder.source:contents"

    kind: str = option("image_folder", "the implementation; fixed by the file chosen in the group")
    masks: str = option("masks", "folder of the masks in `root`, with the same folders below it")
