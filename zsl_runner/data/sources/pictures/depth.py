"""Grey values of more than eight bits, scaled to eight by what their type calls white. Never imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zsl_runner.errors import DataError

DEEP: Final = frozenset({"I;16", "I;16L", "I;16B", "I;16N", "I", "F"})

BITS, SAMPLE_FORMAT, PHOTOMETRIC = 258, 339, 262
"""TIFF's tags: bits of a value; 1 = unsigned, 2 = signed, 3 = floating point; 0 = zero is white."""

SIXTEEN_IN_I: Final = frozenset({"PNG", "PPM"})
"""Formats whose greys have 16 bits at most, although Pillow keeps them in the mode of 32."""


def stored_values(picture: Image.Image) -> NDArray[Any]:
    """Return the (H, W) values of a grey picture in a mode of `DEEP`: exactly those in the file."""
    values = np.asarray(picture)
    if picture.mode == "F":
        return values
    wide = values.astype(np.int64)
    bits, signed = _integer_type(picture)
    return wide if signed or bits < 32 else wide & 0xFFFFFFFF  # Pillow keeps unsigned values in signed ones


def grey_bytes(picture: Image.Image, path: Path) -> NDArray[np.uint8]:
    """Return (H, W) grey values from 0 to 255, rounded; nothing is clipped.

    Whole numbers are divided by the largest of their type (65,535 of 16 bits; 4,095 where a TIFF says that 12 are
    used), floating-point ones run from 0 to 1.

    Raises:
        DataError: values are negative, not finite or above 1; or those of 32 bits are so small that all would be black.
    """
    values = stored_values(picture)
    if picture.mode == "F":
        low, high = float(values.min()), float(values.max())
        if not (low >= 0 and high <= 1):  # also true of NaN
            raise DataError(
                f"{path}: expected floating-point grey values from 0 (black) to 1 (white), found {low:g} to {high:g}; "
                "scale them, or save the picture with 8 or 16 bits"
            )
        grey = np.floor(values.astype(np.float64) * 255 + 0.5)
    else:
        bits, signed = _integer_type(picture)
        white = 2 ** (bits - signed) - 1
        low, high = int(values.min()), int(values.max())
        if low < 0:
            raise DataError(
                f"{path}: expected grey values from 0 to {white:,}, found {low:,}; save it with 8 or 16 bits"
            )
        grey = (values * 255 + white // 2) // white
        if bits > 16 and high > 0 and grey.max() == 0:
            raise DataError(
                f"{path}: of its 32-bit grey values, where {white:,} is white, the largest is {high:,}: all would be "
                "black; save it with 8 or 16 bits"
            )
    grey = grey.astype(np.uint8)
    return 255 - grey if _tags(picture).get(PHOTOMETRIC) == 0 else grey


def _integer_type(picture: Image.Image) -> tuple[int, bool]:
    """Return how many bits a value has, and whether one of them is the sign."""
    tags = _tags(picture)
    if tags:
        return int(np.ravel(tags.get(BITS, 16))[0]), int(np.ravel(tags.get(SAMPLE_FORMAT, 1))[0]) == 2
    return (32, True) if picture.mode == "I" and picture.format not in SIXTEEN_IN_I else (16, False)


def _tags(picture: Image.Image) -> dict[int, Any]:
    """Return TIFF's tags by number; none of other formats."""
    return dict(getattr(picture, "tag_v2", {}))
