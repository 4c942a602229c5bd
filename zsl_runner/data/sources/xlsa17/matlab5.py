"""Writes MATLAB files of version 5, the same bytes for the same content whenever they are written."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import scipy.io
from numpy.typing import NDArray

from zsl_runner.data.sources.xlsa17.elements import HEADER_SIZE

Variables = dict[str, "NDArray[Any] | tuple[str, ...]"]
TEXT_SIZE: Final = HEADER_SIZE - 12
"""Bytes of the header that are a description; SciPy writes the time into them."""


def column(values: NDArray[np.int64]) -> NDArray[Any]:
    """Return whole numbers as a column of the smallest unsigned type, as published files have it."""
    return values.astype(np.min_scalar_type(int(values.max()))).reshape(-1, 1)


def version_5(variables: Mapping[str, NDArray[Any] | tuple[str, ...]], *, packed: bool = True) -> bytes:
    """Return the content of a MATLAB 5 file.

    Args:
        variables: matrices in MATLAB's orientation (rows x columns), or tuples of strings, which become K x 1 cells.
        packed: whether variables are compressed, which takes long for features and saves little.
    """
    buffer = io.BytesIO()
    cells = {name: _cells(value) if isinstance(value, tuple) else value for name, value in variables.items()}
    scipy.io.savemat(buffer, cells, do_compression=packed)
    buffer.getbuffer()[:TEXT_SIZE] = b"MATLAB 5.0 MAT-file, written by zsl-run".ljust(TEXT_SIZE)
    return buffer.getvalue()


def _cells(texts: tuple[str, ...]) -> NDArray[Any]:
    cells = np.empty((len(texts), 1), dtype=object)
    cells[:, 0] = texts
    return cells
