"""Reads named variables of a MATLAB file: version 5 through SciPy, version 7.3 (which is HDF5) through h5py.

Both return the same: numbers as arrays in MATLAB's orientation (rows x columns), text and cells of text as tuples of
strings, anything else as what it is in words. HDF5 keeps MATLAB's column-major arrays as row-major ones with the axes
reversed, hence the transpositions.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
import scipy.io
import scipy.sparse
from numpy.typing import NDArray

from zsl_runner.data.sources.xlsa17.elements import check_elements
from zsl_runner.files.reading import MOST_PACKED, readable

MATLAB: Final = "a MATLAB file of version 5 or 7.3"
FREE_BYTES: Final = 2**24
"""Bytes a variable may have in memory whatever the file's size."""


@dataclass(frozen=True)
class Foreign:
    """A variable that is neither numbers nor text.

    Attributes:
        words: what it is, e.g. ``a struct``.
    """

    words: str


Value = NDArray[Any] | tuple[str, ...] | Foreign


def in_words(value: Value) -> str:
    """Return what a variable is, for messages."""
    if isinstance(value, Foreign):
        return value.words
    if isinstance(value, tuple):
        return "text"
    if value.dtype.names == ("real", "imag") or value.dtype.kind == "c":
        return f"complex numbers of shape {value.shape}"
    return "a struct" if value.dtype.names else f"{value.dtype} of shape {value.shape}"


def read_variables(path: Path, wanted: Sequence[str]) -> dict[str, Value]:
    """Return those of the ``wanted`` variables that the file holds.

    Raises:
        DataError: the file is missing, empty, truncated or no MATLAB file, or does not fit into memory.
    """
    with readable(path, MATLAB, "check dataset.root or ZSL_DATA"):
        if h5py.is_hdf5(path):
            with h5py.File(path, "r", locking=False) as file:
                return {name: _from_hdf5(file, name) for name in wanted if _holds(file, name)}
        check_elements(path)
        with warnings.catch_warnings():
            # The sparse matrices that SciPy 1.20 will return are read like those of now.
            warnings.filterwarnings("ignore", "The default value for `spmatrix`", DeprecationWarning)
            found = scipy.io.loadmat(path, variable_names=list(wanted))
        return {name: _from_version_5(found[name]) for name in wanted if name in found}


def variable_names(path: Path) -> tuple[str, ...]:
    """Return the names of all variables in the file; errors as in `read_variables`."""
    with readable(path, MATLAB, "check dataset.root or ZSL_DATA"):
        if h5py.is_hdf5(path):
            with h5py.File(path, "r", locking=False) as file:
                return tuple(name for name in file if not name.startswith("#"))
        check_elements(path)
        return tuple(name for name, _, _ in scipy.io.whosmat(path))


def _from_version_5(value: Any) -> Value:
    if scipy.sparse.issparse(value):
        return _dense(value)
    if isinstance(value, np.ndarray) and value.dtype == object:
        texts = [_text_of(cell) for cell in value.ravel(order="F")]
        return Foreign("cells of other things than text") if None in texts else tuple(map(str, texts))
    if isinstance(value, np.ndarray) and value.dtype.kind == "U":
        return tuple(str(row).rstrip() for row in value.ravel(order="F"))
    return np.asarray(value)


def _text_of(cell: Any) -> str | None:
    """Return the text of a cell, a number as its digits; None if it is neither."""
    entries = np.ravel(cell)
    return "".join(map(str, entries)).rstrip() if entries.dtype.kind in "Uiuf" or not entries.size else None


def _dense(matrix: Any) -> Value:
    """Return a sparse matrix as a full one."""
    rows, columns = matrix.shape
    if rows * columns * matrix.dtype.itemsize > FREE_BYTES + MOST_PACKED * matrix.data.nbytes:
        return Foreign(f"a sparse matrix of {rows:,} x {columns:,} with {matrix.nnz:,} entries")
    matrix.check_format(full_check=True)  # SciPy would follow any index
    return np.asarray(matrix.toarray())


def _holds(file: h5py.File, name: str) -> bool:
    return file.get(name, getlink=True) is not None


def _from_hdf5(file: h5py.File, name: str) -> Value:
    if isinstance(file.get(name, getlink=True), h5py.ExternalLink):
        return Foreign("a link to another file, whose content no checksum here covers")
    item = file.get(name)
    if isinstance(item, h5py.Group):
        return _sparse(item) if "MATLAB_sparse" in item.attrs else Foreign("a struct")
    if not isinstance(item, h5py.Dataset):
        return Foreign("a link that leads nowhere" if item is None else "no variable")
    return foreign(file, item) or _from_dataset(file, item)


def foreign(file: h5py.File, item: h5py.Dataset) -> Foreign | None:
    """Return what is wrong with where a variable's bytes are, or with how many of them its header declares."""
    if item.is_virtual or item.external or item.file.filename != file.filename:
        return Foreign("data that are kept in another file, whose content no checksum here covers")
    declared, kept = math.prod(item.shape or ()) * item.dtype.itemsize, item.id.get_storage_size()
    if declared > FREE_BYTES + MOST_PACKED * kept:
        return Foreign(f"a header of {declared:,} bytes with {kept:,} in the file")
    return None


def _from_dataset(file: h5py.File, item: h5py.Dataset) -> Value:
    kind = item.attrs.get("MATLAB_class", b"")
    if item.attrs.get("MATLAB_empty", 0):
        return () if kind in (b"cell", b"char") else np.empty((0, 0))
    value = np.asarray(item[()]).T
    if item.dtype == h5py.ref_dtype:
        texts = [_text_behind(file, cell) for cell in value.ravel(order="F")]
        return Foreign("cells of other things than text") if None in texts else tuple(map(str, texts))
    return _rows_of_text(item) if kind == b"char" else value


def _text_behind(file: h5py.File, cell: h5py.Reference) -> str | None:
    item = file[cell]
    is_text = isinstance(item, h5py.Dataset) and item.dtype.kind in "iu" and foreign(file, item) is None
    return "".join(_rows_of_text(item)) if is_text else None


def _sparse(item: h5py.Group) -> Value:
    """Return a sparse matrix, which MATLAB keeps as its entries, their rows, and where the columns begin."""
    rows, starts = int(item.attrs["MATLAB_sparse"]), item["jc"][()]
    parts = (item["data"][()], item["ir"][()], starts) if "data" in item else (np.empty(0), np.empty(0, int), starts)
    return _dense(scipy.sparse.csc_matrix(parts, shape=(rows, len(starts) - 1)))


def _rows_of_text(item: h5py.Dataset) -> tuple[str, ...]:
    if item.attrs.get("MATLAB_empty", 0):
        return ()
    codes = np.atleast_2d(np.asarray(item[()]).T)
    return tuple(_decoded(row).rstrip() for row in codes)


def _decoded(units: NDArray[np.integer[Any]]) -> str:
    """Return the text of UTF-16 units, of which letters beyond the first 65,536 take two."""
    halves = "".join(map(chr, units))
    return halves.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
