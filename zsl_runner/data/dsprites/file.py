"""Reads rows of dSprites' file without holding all of it: 3 GB of pixels are packed in 26 MB."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.dsprites.conf import REMEDY, SIDE
from zsl_runner.data.records import Rows
from zsl_runner.errors import DataError

FACTORS: Final = ("color", "shape", "scale", "orientation", "position x", "position y")
SHAPES: Final = ("square", "ellipse", "heart")
IMAGES, CLASSES = "imgs", "latents_classes"
CHUNK: Final = 4096
"""Images unpacked at a time."""


def read_factors(path: Path) -> NDArray[np.int64]:
    """Return (N, 6) values of the factors.

    Raises:
        DataError: the file is missing or damaged, or has another layout.
    """
    factors = _guarded(path, lambda: _factors(path))
    if factors.ndim != 2 or factors.shape[1] != len(FACTORS):
        raise DataError(f"{path}: {CLASSES}: expected shape (N, {len(FACTORS)}), found {factors.shape}. {REMEDY}")
    shapes = np.unique(factors[:, FACTORS.index("shape")])
    if not np.isin(shapes, range(len(SHAPES))).all():
        raise DataError(f"{path}: {CLASSES}: expected shapes 0..{len(SHAPES) - 1}, found {shapes.tolist()}")
    return np.asarray(factors, dtype=np.int64)


def read_images(path: Path, rows: Rows, count: int) -> NDArray[np.uint8]:
    """Return the (n, 64, 64) images of ascending rows; white is 255.

    Args:
        path: the file.
        rows: which images.
        count: how many the file should have.

    Raises:
        DataError: the file is damaged or has another layout.
    """
    images: NDArray[np.uint8] = _guarded(path, lambda: _images(path, rows, count))
    if images.max(initial=0) > 1:
        raise DataError(f"{path}: {IMAGES}: expected pixels of 0 and 1, found {images.max()}")
    images *= 255
    return images


def _guarded(path: Path, read: Any) -> NDArray[Any]:
    try:
        found: NDArray[Any] = read()
    except KeyError as error:
        raise DataError(f"{path}: expected the arrays {IMAGES} and {CLASSES}, found no {error}. {REMEDY}") from error
    except (OSError, EOFError, ValueError, zipfile.BadZipFile, zlib.error) as error:
        raise DataError(f"{path}: cannot be read as an archive of arrays: {error}. {REMEDY}") from error
    return found


def _factors(path: Path) -> NDArray[Any]:
    with np.load(path, allow_pickle=False) as file:
        found: NDArray[Any] = file[CLASSES]
    return found


def _images(path: Path, rows: Rows, count: int) -> NDArray[np.uint8]:
    with zipfile.ZipFile(path) as archive, archive.open(f"{IMAGES}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(stream)
        if shape != (count, SIDE, SIDE) or dtype != np.uint8 or fortran:
            raise DataError(
                f"{path}: {IMAGES}: expected uint8 of shape {(count, SIDE, SIDE)}, one image for each row of "
                f"{CLASSES}, found {dtype} of shape {shape}. {REMEDY}"
            )
        images = np.empty((len(rows), SIDE, SIDE), dtype=np.uint8)
        done = 0
        for first in range(0, count, CHUNK):
            size = min(CHUNK, count - first)
            content = stream.read(size * SIDE * SIDE)
            wanted = rows[done : np.searchsorted(rows, first + size)]
            chunk = np.frombuffer(content, dtype=np.uint8).reshape(size, SIDE, SIDE)
            images[done : done + len(wanted)] = chunk[wanted - first]
            done += len(wanted)
    return images
