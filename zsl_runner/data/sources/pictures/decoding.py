"""Opens pictures with Pillow, and turns them as their EXIF orientation says. Never imports torch."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zsl_runner.errors import DataError, RunError

ORIENTATION: Final = 0x0112
"""EXIF's tag of the orientation, 1 to 8."""


@contextmanager
def decoded(path: Path) -> Iterator[Image.Image]:
    """Yield the first frame of a picture, read completely; nothing in it is turned or converted yet.

    Raises:
        DataError: the file cannot be read, is no picture, a damaged one or too large; or Pillow cannot convert it as
            the body of the `with` asks.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of Pillow's on metadata, which the pixels do not depend on
            # Not by its path: Pillow would map it into memory and spoil some TIFF files whose orientation is above 4.
            with path.open("rb") as stream, Image.open(stream) as picture:
                picture.load()
                yield picture
    except RunError:
        raise
    except Image.DecompressionBombError as error:
        raise DataError(f"{path}: the picture is too large: {error}; save it with fewer pixels") from error
    except Exception as error:  # a damaged file can make Pillow's many readers raise anything
        if isinstance(error, OSError) and error.strerror:
            raise DataError(f"{path}: cannot be read: {error.strerror}") from error
        what = str(error) or type(error).__name__
        raise DataError(f"{path}: cannot be read as a picture: {what}; copy or export it again") from error


def orientation_of(picture: Image.Image) -> int:
    """Return the orientation that a picture's metadata give it; 1, upright, if they say nothing that can be read."""
    try:
        found = picture.getexif().get(ORIENTATION, 1)
    except Exception:  # as `decoded`; a viewer shows such a picture as it is stored
        return 1
    return found if isinstance(found, int) and 1 <= found <= 8 else 1


def upright(pixels: NDArray[Any], orientation: int) -> NDArray[Any]:
    """Return (H, W, ...) pixels as a viewer turns them: rows and columns swapped from 5 on, then mirrored."""
    if orientation >= 5:
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return np.ascontiguousarray(pixels)


def has_more_frames(picture: Image.Image) -> bool:
    """Tell whether a picture has frames after the first. Ask last: to know it Pillow may leave the first one."""
    try:
        return bool(getattr(picture, "n_frames", 1) > 1)
    except Exception:  # as `decoded`; what follows the first frame is not used
        return True
