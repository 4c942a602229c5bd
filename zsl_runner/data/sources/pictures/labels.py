"""From a mask's file to labels: the values as stored, never through a conversion of colours. Never imports torch."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.sources.pictures.decoding import decoded, orientation_of, upright
from zsl_runner.data.sources.pictures.depth import DEEP, stored_values
from zsl_runner.errors import DataError

EXACT_COLOURS: Final = frozenset({"1", "L", "LA", "P", "PA", "RGB", "RGBA"})
"""Modes whose pixels have a red, a green and a blue byte without calculation."""

_PGM = re.compile(rb"P[25](?:(?:\s|#[^\n]*\n)+\d+){2}(?:\s|#[^\n]*\n)+(\d+)")


def read_values(path: Path, *, white: int = 1) -> NDArray[np.int64]:
    """Return the (H, W) values of a grey or palette mask: grey values or numbers of palette colours.

    Args:
        path: the file.
        white: value of the white pixels of a mask of one bit.

    Raises:
        DataError: see `decoded`; the mask has several channels or fractions.
    """
    with decoded(path) as picture:
        orientation, mode = orientation_of(picture), picture.mode
        if mode == "1":
            values = np.asarray(picture).astype(np.int64) * white
        elif mode in ("L", "P"):
            values = np.asarray(picture).astype(np.int64)
        elif mode in DEEP and mode != "F":
            values = stored_values(picture)
        else:
            raise DataError(
                f"{path}: expected a grey or palette picture whose values are labels, found mode {mode}; "
                "save it as 8-bit grey, or name the classes' colours with dataset.colours"
            )
        if picture.format == "PPM" and mode != "1":
            values = _unscaled(values, path, 255 if mode == "L" else 65_535)
    return upright(values, orientation)


def read_colours(path: Path) -> NDArray[np.int64]:
    """Return the (H, W) colours of a mask as numbers 0xRRGGBB.

    Raises:
        DataError: see `decoded`; the mask's colours are not stored as bytes of red, green and blue.
    """
    with decoded(path) as picture:
        orientation, mode = orientation_of(picture), picture.mode
        if mode not in EXACT_COLOURS:
            raise DataError(f"{path}: expected a mask in RGB colours, found mode {mode}; save it as an RGB PNG")
        pixels = np.asarray(picture.convert("RGB"))
    codes: NDArray[np.int64] = (pixels.astype(np.int64) * (65536, 256, 1)).sum(-1)
    return upright(codes, orientation)


def _unscaled(values: NDArray[Any], path: Path, white: int) -> NDArray[Any]:
    """Undo that Pillow stretches the values of a PGM file, whose header names the largest, to 0..``white``."""
    with path.open("rb") as stream:
        header = _PGM.match(stream.read(2**16))
    largest = white if header is None else int(header[1])
    return values if largest == white else (values * largest + white // 2) // white
