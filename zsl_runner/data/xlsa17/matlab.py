"""Reads named variables of a MATLAB file: version 5 through SciPy, version 7.3 (which is HDF5) through h5py.

Both return the same: numbers as arrays in MATLAB's orientation (rows x columns), text and cells of text as tuples of
strings. HDF5 keeps MATLAB's column-major arrays as row-major ones with the axes reversed, hence the transpositions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, Literal

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray

from zsl_runner.errors import DataError

HEADER_SIZE: Final = 128
Value = NDArray[Any] | tuple[str, ...]


def read_variables(path: Path, wanted: Sequence[str]) -> dict[str, Value]:
    """Return those of the ``wanted`` variables that the file holds.

    Raises:
        DataError: the file is missing, empty, truncated or no MATLAB file.
    """
    with _readable(path):
        if h5py.is_hdf5(path):
            with h5py.File(path, "r", locking=False) as file:
                return {name: _from_hdf5(file, file[name]) for name in wanted if name in file}
        _check_length(path)
        found = scipy.io.loadmat(path, variable_names=list(wanted))
        return {name: _from_version_5(found[name]) for name in wanted if name in found}


def variable_names(path: Path) -> tuple[str, ...]:
    """Return the names of all variables in the file; errors as in `read_variables`."""
    with _readable(path):
        if h5py.is_hdf5(path):
            with h5py.File(path, "r", locking=False) as file:
                return tuple(name for name in file if not name.startswith("#"))
        return tuple(name for name, _, _ in scipy.io.whosmat(path))


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    if not path.is_file():
        raise DataError(f"{path}: expected a MATLAB file, found none; check dataset.root or ZSL_DATA")
    if path.stat().st_size == 0:
        raise DataError(f"{path}: expected a MATLAB file, found an empty file; copy or download it again")
    try:
        yield
    except PermissionError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror}; check the file's permissions") from error
    except MemoryError:
        raise
    except Exception as error:  # the parsers raise whatever the damaged bytes lead them to
        raise DataError(
            f"{path}: expected a MATLAB file of version 5 or 7.3, found {path.stat().st_size:,} bytes that cannot be "
            f"read as one ({type(error).__name__}: {error}); it is truncated, damaged or another kind of file: "
            "copy or download it again"
        ) from error


def _check_length(path: Path) -> None:
    """Walk over the variables of a version 5 file: each begins with its length, and the last must end with the file.

    The reader skips variables that are not wanted and would not notice that one of them is cut off.

    Raises:
        EOFError: the file ends inside a variable.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        header = stream.read(HEADER_SIZE)
        if 0 in header[:4]:  # version 4 has no header
            return
        order: Literal["little", "big"] = "little" if header[126:] == b"IM" else "big"
        while (position := stream.tell()) < size:
            length = int.from_bytes(stream.read(8)[4:], order)
            if position + 8 + length > size:
                raise EOFError(f"a variable of {length:,} bytes begins at byte {position:,}")
            stream.seek(length, os.SEEK_CUR)


def _from_version_5(value: Any) -> Value:
    if isinstance(value, np.ndarray) and value.dtype == object:
        return tuple("".join(map(str, np.ravel(cell))) for cell in value.ravel(order="F"))
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return tuple(str(row).rstrip() for row in value.ravel(order="F"))
    return np.asarray(value.toarray() if hasattr(value, "toarray") else value)


def _from_hdf5(file: h5py.File, item: h5py.Dataset) -> Value:
    kind = item.attrs.get("MATLAB_class", b"")
    if item.attrs.get("MATLAB_empty", 0):
        return () if kind in (b"cell", b"char") else np.empty((0, 0))
    value = np.asarray(item[()]).T
    if item.dtype == h5py.ref_dtype:
        return tuple("".join(_rows_of_text(file[cell])) for cell in value.ravel(order="F"))
    return _rows_of_text(item) if kind == b"char" else value


def _rows_of_text(item: h5py.Dataset) -> tuple[str, ...]:
    if item.attrs.get("MATLAB_empty", 0):
        return ()
    codes = np.atleast_2d(np.asarray(item[()]).T)
    return tuple("".join(map(chr, row)).rstrip() for row in codes)
