"""Writes MATLAB files of version 5, the same bytes for the same content, and of version 7.3, which is HDF5."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, BinaryIO, Final

import h5py
import numpy as np
import scipy.io
from numpy.typing import NDArray

from zsl_runner.data.sources.xlsa17.elements import HEADER_SIZE

Variables = dict[str, "NDArray[Any] | tuple[str, ...]"]
TEXT_SIZE: Final = HEADER_SIZE - 12
"""Bytes of the header that are a description; SciPy writes the time into them."""
USER_BLOCK: Final = 512
CLASSES: Final = {"float32": b"single", "float64": b"double"}


def column(values: NDArray[np.int64]) -> NDArray[Any]:
    """Return whole numbers as a column of the smallest unsigned type, as published files have it."""
    return values.astype(np.min_scalar_type(int(values.max()))).reshape(-1, 1)


def version_5(variables: Variables, *, packed: bool = True) -> bytes:
    """Return the content of a MATLAB 5 file; see `write_version_5`."""
    buffer = io.BytesIO()
    write_version_5(buffer, variables, packed=packed)
    return buffer.getvalue()


def write_version_5(stream: BinaryIO, variables: Variables, *, packed: bool = True) -> None:
    """Write a MATLAB 5 file into an empty stream.

    Args:
        stream: where to write; of a variable no more than one copy is in memory if that is a file.
        variables: matrices in MATLAB's orientation (rows x columns), or tuples of strings, which become K x 1 cells.
        packed: whether variables are compressed, which takes long for features and saves little.
    """
    cells = {name: _cells(value) if isinstance(value, tuple) else value for name, value in variables.items()}
    scipy.io.savemat(stream, cells, do_compression=packed)
    stream.seek(0)
    stream.write(b"MATLAB 5.0 MAT-file, written by zsl-run".ljust(TEXT_SIZE))


def _cells(texts: tuple[str, ...]) -> NDArray[Any]:
    cells = np.empty((len(texts), 1), dtype=object)
    cells[:, 0] = texts
    return cells


def version_73(variables: Mapping[str, NDArray[Any] | tuple[str, ...]]) -> bytes:
    """Return the content of a MATLAB 7.3 file.

    Args:
        variables: matrices in MATLAB's orientation (rows x columns), or tuples of strings, which become K x 1 cells.
    """
    buffer = io.BytesIO()
    with h5py.File(buffer, "w", userblock_size=USER_BLOCK) as file:
        for name, value in variables.items():
            if isinstance(value, tuple):
                _write_cells(file, name, value)
            else:
                item = file.create_dataset(name, data=value.T)
                item.attrs["MATLAB_class"] = np.bytes_(CLASSES.get(value.dtype.name, value.dtype.name.encode()))
    text = b"MATLAB 7.3 MAT-file, HDF5 schema 1.00 ."
    # 124 bytes of text, the version as a little-endian 16-bit number, and the mark of the byte order.
    buffer.getbuffer()[:128] = text.ljust(124) + (0x0200).to_bytes(2, "little") + b"IM"
    return buffer.getvalue()


def _write_cells(file: h5py.File, name: str, texts: tuple[str, ...]) -> None:
    pool = file.require_group("#refs#")
    cells = np.empty((1, len(texts)), dtype=h5py.ref_dtype)
    for number, text in enumerate(texts):
        codes = np.frombuffer(text.encode("utf-16-le"), dtype="<u2").reshape(-1, 1)
        item = pool.create_dataset(f"{name}{number}", data=codes if text else np.zeros(2, dtype=np.uint64))
        item.attrs["MATLAB_class"] = np.bytes_(b"char")
        if not text:
            item.attrs["MATLAB_empty"] = np.uint8(1)
        cells[0, number] = item.ref
    listed = file.create_dataset(name, data=cells, dtype=h5py.ref_dtype)
    listed.attrs["MATLAB_class"] = np.bytes_(b"cell")
