"""Whole numbers that mean classes or rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from zsl_runner.data.command.importing.arrays import Found
from zsl_runner.data.records import Rows
from zsl_runner.errors import ConfigError, DataError
from zsl_runner.files.names import some


def size(found: Found) -> int:
    """Return how many entries there are."""
    return len(found.value) if isinstance(found.value, tuple) else found.value.size


def listed(names: Sequence[str], classes: Iterable[int]) -> str:
    """Return the names of some classes, the first five of many."""
    return some(names[k] for k in classes)


def from_digits(found: Found) -> Found | None:
    """Return text that is whole numbers as numbers, and numbers as they are; None for other text."""
    if not isinstance(found.value, tuple):
        return found
    if not all(text.isdecimal() and text.isascii() for text in found.value):
        return None
    return Found(found.origin, np.array([float(text) for text in found.value]))


def whole_numbers(found: Found, count: int, first: int, of: str) -> Rows:
    """Return numbers of classes or rows as they count from 0.

    Args:
        found: a vector, or a matrix of one row or column.
        count: how many classes or rows there are.
        first: the number of the first one.
        of: what they number, in the plural.

    Raises:
        DataError: no whole numbers, or some out of range.
        ConfigError: the other ``first`` would fit.
    """
    value = found.value
    if isinstance(value, tuple) or value.dtype.kind not in "iuf" or value.size not in (*value.shape, 0):
        raise DataError(f"{found.origin}: expected a vector of whole numbers, found {found.words()}")
    numbers = value.ravel()
    wrong = ""
    if not numbers.size:
        wrong = "none"
    elif not np.isfinite(numbers).all():
        wrong = "NaN or infinity"
    elif not (numbers == np.rint(numbers)).all():
        wrong = "fractions"
    if wrong:
        raise DataError(f"{found.origin}: expected whole numbers, found {wrong}")
    low, high = float(numbers.min()), float(numbers.max())
    if low < first or high > count - 1 + first:
        other = 1 - first
        hint = f"; --count-from {other} would fit" if low >= other and high <= count - 1 + other else ""
        raise (ConfigError if hint else DataError)(
            f"{found.origin}: expected numbers of {of}, {first} to {count - 1 + first} (--count-from {first}), "
            f"found {low:g} to {high:g}{hint}"
        )
    return numbers.astype(np.int64) - first
