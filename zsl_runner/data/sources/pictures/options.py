"""Options of users' own pictures as a data set of images. Never imports torch."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from omegaconf import MISSING

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.data.images.options import ImagesConf
from zsl_runner.data.sources.pictures.shares import share_problems
from zsl_runner.files.folders import expanded


@dataclass
class PictureSetConf(ImagesConf):
    """Pictures in a folder; a square is cut from the middle of each and resized."""

    contents: ClassVar[str] = "zsl_runner.data.sources.pictures.picture_set:contents"
    other_pictures: ClassVar[str] = "zsl_runner.data.sources.pictures.source:other_pictures"

    root: str = option(MISSING, "folder of the pictures; relative to the working directory")
    side: int | None = option(
        64,
        "resize to squares of this side, bilinearly; null keeps the squares' size, which must be one",
        low=8,
        high=512,
    )
    crop: int | None = option(
        None, "side in pixels of the square that is cut from the middle of each picture; null: the largest", low=8
    )
    colour: bool = option(True, "three channels; false makes the pictures grey")
    shares: list[float] = option(
        [0.8, 0.1, 0.1],
        "shares of training, validation and test images, drawn at random",
        low=0.0,
        high=1.0,
        above=True,
    )
    split_seed: int = option(0, "seed of the draw of the splits", low=0)

    def folder(self) -> Path:
        """Return the folder of the pictures."""
        return expanded(self.root)

    def image_channels(self) -> int:
        """Return what the pictures are made to have."""
        return 3 if self.colour else 1

    def problems(self) -> Iterable[Problem]:
        """The folder is there; three shares are all."""
        yield from super().problems()
        if self.root != MISSING and not os.path.isdir(self.folder()):
            yield Problem("root", f"{self.folder()} is not there; expected the folder of the pictures")
        yield from share_problems(self.shares)
