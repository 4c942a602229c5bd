"""Options of pictures in folders of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.data.labelled_images.options import LabelledImagesConf
from zsl_runner.data.picture_set_conf import PictureSetConf


@dataclass
class ImageClassesConf(PictureSetConf, LabelledImagesConf):
    """Pictures in a folder for each class, which has the folder's name; all folders in one."""

    implementation: ClassVar[str] = "zsl_runner.data.image_classes.source:load"
    provides: ClassVar[frozenset[str]] = LabelledImagesConf.provides

    kind: str = option("image_classes", "the implementation; fixed by the file chosen in the group")
