"""How a picture becomes the square of pixels that a backbone reads. Never imports torch.

The steps are those with which published backbones are evaluated: scale, cut the middle out, normalise. They are done
with Pillow in the order and with the rounding of timm and open_clip, so that the features are theirs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zsl_runner.data.sources.pictures.pixels import read_image
from zsl_runner.errors import ConfigError

FITS: Final = ("crop", "squash")
INTERPOLATIONS: Final = ("bicubic", "bilinear", "lanczos", "nearest")
Channels = tuple[float, float, float]
"""A number each for red, green and blue."""
PLAIN: Final[Mapping[str, Any]] = {
    "size": 224,
    "share": 0.875,
    "fit": "crop",
    "interpolation": "bicubic",
    "mean": (0.485, 0.456, 0.406),
    "std": (0.229, 0.224, 0.225),
}
"""How most backbones are evaluated on ImageNet; see `preprocessing`."""


@dataclass(frozen=True)
class Preprocessing:
    """Scaling, cutting and normalising.

    Attributes:
        size: side of the square that the backbone reads, in pixels.
        resize: length to which a picture is scaled before the middle is cut out, in pixels.
        fit: ``crop`` scales the shorter side to ``resize`` and keeps the proportions, ``squash`` both sides.
        interpolation: one of `INTERPOLATIONS`.
        mean: subtracted from values between 0 and 1.
        std: what the difference is divided by.
    """

    size: int
    resize: int
    fit: str
    interpolation: str
    mean: Channels
    std: Channels

    def __post_init__(self) -> None:
        if self.size < 1 or self.resize < self.size:
            raise ConfigError(
                f"--size, --resize: expected a side of at least 1 and at most the length it is cut from, found "
                f"{self.size} and {self.resize}"
            )
        for name, value, choices in (("fit", self.fit, FITS), ("interpolation", self.interpolation, INTERPOLATIONS)):
            if value not in choices:
                raise ConfigError(
                    f"--{name}: the backbone's own, {value}, is not known here; give one of {', '.join(choices)}"
                )
        if not all(map(math.isfinite, (*self.mean, *self.std))) or min(self.std) <= 0:
            raise ConfigError(f"--mean, --std: expected numbers, those of --std above 0, found {self.mean}, {self.std}")

    def pixels(self, path: Path) -> NDArray[np.uint8]:
        """Return the pixels of a picture in colours, upright, scaled and cut, not yet normalised.

        Returns:
            (3, size, size) red, green and blue.

        Raises:
            DataError: see `read_image`.
        """
        picture = read_image(path, colour=True).picture()
        picture = picture.resize(self._scaled(*picture.size), Image.Resampling[self.interpolation.upper()])
        left, top = (round((length - self.size) / 2) for length in picture.size)
        square = picture.crop((left, top, left + self.size, top + self.size))
        return np.ascontiguousarray(np.asarray(square).transpose(2, 0, 1))

    def _scaled(self, width: int, height: int) -> tuple[int, int]:
        if self.fit == "squash":
            return self.resize, self.resize
        shorter = min(width, height)
        return self.resize * width // shorter, self.resize * height // shorter

    def __str__(self) -> str:
        cut = {"crop": "shorter side", "squash": "both sides"}[self.fit]
        return (
            f"{self.size} x {self.size} from the middle, {cut} scaled to {self.resize} ({self.interpolation}), "
            f"mean {_listed(self.mean)}, std {_listed(self.std)}"
        )


def preprocessing(own: Mapping[str, Any], given: Mapping[str, Any]) -> Preprocessing:
    """Return a backbone's own preprocessing with what the user wants otherwise.

    Args:
        own: ``size``, a side or (height, width); ``share`` of the scaled side that is cut out; ``fit``,
            ``interpolation``, ``mean`` and ``std`` as in `Preprocessing`.
        given: some of the attributes of `Preprocessing`. Another size cuts out as large a share as the backbone's own.

    Raises:
        ConfigError: a value is out of range or not known, or the backbone reads no square.
    """
    size = given.get("size") or _side(own["size"])
    return Preprocessing(
        size=size,
        resize=given.get("resize") or math.floor(size / own["share"]),
        fit=given.get("fit", own["fit"]),
        interpolation=given.get("interpolation", own["interpolation"]),
        mean=tuple(given.get("mean", own["mean"])),
        std=tuple(given.get("std", own["std"])),
    )


def _side(size: int | tuple[int, int]) -> int:
    height, width = (size, size) if isinstance(size, int) else size
    if height != width:
        raise ConfigError(f"--size: expected a backbone that reads squares, found {width} x {height}; give one side")
    return height


def _listed(channels: Channels) -> str:
    return " ".join(f"{value:.4g}" for value in channels)
