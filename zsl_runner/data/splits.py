"""Checks on row indices that cut a data set into training, validation and test rows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from zsl_runner.data.records import Rows


def split_problems(splits: Mapping[str, Rows], count: int) -> list[str]:
    """Return in words what is wrong with splits of ``count`` rows: empty ones, rows out of range or in two of them."""
    found = []
    used = np.zeros(count, dtype=np.int64)
    for name, rows in splits.items():
        if len(rows) == 0:
            found.append(f"{name}: expected row indices, found none")
        elif rows.min() < 0 or rows.max() >= count:
            found.append(f"{name}: expected row indices in 0..{count - 1}, found {rows.min()}..{rows.max()}")
        else:
            used += np.bincount(rows, minlength=count)
    repeated = int(np.count_nonzero(used > 1))
    if repeated:
        found.append(f"splits: expected disjoint index sets without duplicates, {repeated} rows occur more than once")
    return found
