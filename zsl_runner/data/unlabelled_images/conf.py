"""Options of pictures without classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.data.picture_set_conf import PictureSetConf


@dataclass
class UnlabelledImagesConf(PictureSetConf):
    """All pictures in a folder and below it; folders mean nothing."""

    implementation: ClassVar[str] = "zsl_runner.data.unlabelled_images.source:load"

    kind: str = option("unlabelled_images", "the implementation; fixed by the file chosen in the group")
