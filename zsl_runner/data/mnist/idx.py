"""Reads idx files: a magic number, big-endian sizes, then unsigned bytes; gzipped or plain."""

from __future__ import annotations

import gzip
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zsl_runner.errors import DataError

UNSIGNED_BYTE = 0x08
GZIP = b"\x1f\x8b"
AGAIN = "copy or download it again"


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return the array of bytes in an idx file.

    Args:
        path: the file.
        dimensions: expected number of axes: 3 for images, 1 for labels.

    Raises:
        DataError: missing, empty, truncated or damaged file, another type or number of axes, wrong length.
    """
    content = _content(path)
    header = 4 + 4 * dimensions
    expected = bytes((0, 0, UNSIGNED_BYTE, dimensions))
    if content[:4] != expected:
        swapped = content[:3] == expected[:3]
        raise DataError(
            f"{path}: magic number: expected {expected.hex()} (unsigned bytes, {dimensions} axes), found "
            f"{content[:4].hex() or 'nothing'}; "
            + ("were images and labels swapped?" if swapped else f"it is no idx file: {AGAIN}")
        )
    if len(content) < header:
        raise DataError(f"{path}: header: expected {header} bytes, found {len(content)}; {AGAIN}")
    sizes = tuple(int(size) for size in np.frombuffer(content, dtype=">u4", count=dimensions, offset=4))
    wanted, found = int(np.prod(sizes)), len(content) - header
    if wanted != found:
        shape = " x ".join(map(str, sizes))
        raise DataError(f"{path}: data: expected {wanted:,} bytes ({shape}), found {found:,}; {AGAIN}")
    return np.frombuffer(content, dtype=np.uint8, offset=header).reshape(sizes)


def _content(path: Path) -> bytes:
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; check dataset.root or ZSL_DATA") from error
    if not content:
        raise DataError(f"{path}: expected an idx file, found an empty file; {AGAIN}")
    if not content.startswith(GZIP):
        return content
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: expected a gzipped idx file, found a truncated or damaged one; {AGAIN}") from error
