"""What reading files that were made elsewhere needs: how much they can hold, and how failures are told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from zsl_runner.errors import DataError

MOST_PACKED: Final = 1100
"""Bytes that one byte of a file can stand for at most: deflate packs 1,032."""


@contextmanager
def readable(
    path: Path, kind: str, remedy: str = "check the path", again: str = "copy or download it again"
) -> Iterator[None]:
    """Say of every failure inside the block that the file is not of its kind, or cannot be read.

    Args:
        path: the file.
        kind: what it should be, e.g. ``a MATLAB file``.
        remedy: what to do if there is no such file.
        again: what to do if it is damaged.

    Raises:
        DataError: it is missing, empty, truncated, of another kind, or does not fit into memory.
    """
    if not path.is_file():  # whatever else is there is not opened: reading a pipe would never end
        found = "a folder" if path.is_dir() else "what is no file" if path.exists() else "none"
        raise DataError(f"{path}: expected {kind}, found {found}; {remedy}")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: expected {kind}, found an empty file; {again}")
    try:
        yield
    except DataError:
        raise
    except MemoryError as error:
        raise DataError(
            f"{path}: expected variables that fit into memory, found larger ones ({error or 'out of memory'}); "
            f"the file is damaged ({again}), or the machine is too small for it"
        ) from error
    except Exception as error:  # the parsers raise whatever the damaged bytes lead them to
        if isinstance(error, OSError) and error.strerror:
            raise DataError(f"{path}: cannot be read: {error.strerror}; check the file's permissions") from error
        raise DataError(
            f"{path}: expected {kind}, found {path.stat().st_size:,} bytes that cannot be read as one "
            f"({type(error).__name__}: {error}); it is truncated, damaged or of another kind: {again}"
        ) from error
