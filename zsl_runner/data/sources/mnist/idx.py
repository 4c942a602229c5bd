"""Reads idx files: a magic number, big-endian sizes, then unsigned bytes; gzipped or plain."""

from __future__ import annotations

import gzip
import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from zsl_runner.errors import DataError

UNSIGNED_BYTE = 0x08
GZIP = b"\x1f\x8b"
MOST_PACKED = 1100
"""Bytes that one byte of a gzipped file can stand for at most: deflate packs 1,032."""
CHUNK = 2**20
AGAIN = "copy or download it again"


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return the array of bytes in an idx file.

    The sizes in the header are believed only as far as the file has bytes for them: no more is read or kept.

    Args:
        path: the file.
        dimensions: expected number of axes: 3 for images, 1 for labels.

    Raises:
        DataError: missing, empty, truncated or damaged file, another type or number of axes, wrong length.
    """
    with _opened(path) as (stream, most):
        sizes = _sizes(path, stream.read(4 + 4 * dimensions), dimensions)
        wanted, shape = math.prod(sizes), " x ".join(map(str, sizes))
        if wanted > most:
            raise DataError(f"{path}: data: expected {wanted:,} bytes ({shape}), found at most {most:,}; {AGAIN}")
        content, rest = stream.read(wanted), stream.read(CHUNK)
    if len(content) != wanted or rest:
        more = " or more" if len(rest) == CHUNK else ""
        found = f"{len(content) + len(rest):,}{more}"
        raise DataError(f"{path}: data: expected {wanted:,} bytes ({shape}), found {found}; {AGAIN}")
    return np.frombuffer(content, dtype=np.uint8).reshape(sizes)


def _sizes(path: Path, header: bytes, dimensions: int) -> tuple[int, ...]:
    """Return the sizes of the axes that a header declares."""
    expected = bytes((0, 0, UNSIGNED_BYTE, dimensions))
    if header[:4] != expected:
        swapped = header[:3] == expected[:3]
        raise DataError(
            f"{path}: magic number: expected {expected.hex()} (unsigned bytes, {dimensions} axes), found "
            f"{header[:4].hex() or 'nothing'}; "
            + ("were images and labels swapped?" if swapped else f"it is no idx file: {AGAIN}")
        )
    if len(header) < 4 + 4 * dimensions:
        raise DataError(f"{path}: header: expected {4 + 4 * dimensions} bytes, found {len(header)}; {AGAIN}")
    return tuple(int(size) for size in np.frombuffer(header, dtype=">u4", offset=4))


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file, unpacking it if it is gzipped; also give the most bytes that can be in it."""
    if path.exists() and not path.is_file():  # reading a pipe would never end
        raise DataError(f"{path}: expected an idx file, found {'a folder' if path.is_dir() else 'what is no file'}")
    try:
        with path.open("rb") as file:
            begin, size = file.read(len(GZIP)), path.stat().st_size
            file.seek(0)
            if not begin:
                raise DataError(f"{path}: expected an idx file, found an empty file; {AGAIN}")
            if begin != GZIP:
                yield file, size
                return
            with gzip.GzipFile(fileobj=file) as unpacked:
                yield unpacked, size * MOST_PACKED  # type: ignore[misc]
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: expected a gzipped idx file, found a truncated or damaged one; {AGAIN}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; check dataset.root or ZSL_DATA") from error
