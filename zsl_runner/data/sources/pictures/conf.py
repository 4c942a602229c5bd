"""Options of users' own pictures: in folders of classes, or without classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.data.images.options import LabelledImagesConf
from zsl_runner.data.sources.pictures.options import PictureSetConf


@dataclass
class ImageClassesConf(PictureSetConf, LabelledImagesConf):
    """Pictures in a folder for each class, which has the folder's name; all folders in one."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.pictures.source:load_classes"
    provides: ClassVar[frozenset[str]] = LabelledImagesConf.provides

    kind: str = option("image_classes", "the implementation; fixed by the file chosen in the group")


@dataclass
class UnlabelledImagesConf(PictureSetConf):
    """All pictures in a folder and below it; folders mean nothing."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.pictures.source:load_unlabelled"

    kind: str = option("unlabelled_images", "the implementation; fixed by the file chosen in the group")
