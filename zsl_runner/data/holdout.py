"""Seeded draws of held-out rows and of validation classes."""

from __future__ import annotations

import numpy as np

from zsl_runner.data.records import Rows
from zsl_runner.errors import DataError


def held_out_rows(labels: Rows, rows: Rows, share: float, seed: int) -> tuple[Rows, Rows]:
    """Split ``rows`` class by class into (kept, held out), at least one row of each class on either side.

    Args:
        labels: (N,) labels of the whole data set.
        rows: the rows to split.
        share: share held out of each class, in (0, 1).
        seed: seed of the draw.

    Returns:
        Two ascending index arrays. A class with one row keeps it.
    """
    generator = np.random.default_rng(seed)
    held: list[Rows] = []
    for label in np.unique(labels[rows]):
        members = rows[labels[rows] == label]
        count = min(max(1, round(share * len(members))), len(members) - 1)
        held.append(generator.permutation(members)[:count])
    out = np.sort(np.concatenate(held))
    return np.setdiff1d(rows, out), out


def draw_validation_classes(seen: Rows, count: int | None, seed: int) -> Rows:
    """Draw the seen classes that play *unseen* in the tune stage.

    Args:
        seen: (S,) class ids of the seen classes.
        count: how many; None takes a fifth of them, at least one.
        seed: seed of the draw.

    Returns:
        Ascending class ids.

    Raises:
        DataError: no class would be left to train on.
    """
    wanted = max(1, round(len(seen) / 5)) if count is None else count
    if wanted >= len(seen):
        raise DataError(
            f"validation_classes: expected fewer than the {len(seen)} seen classes, found {wanted}; "
            "set dataset.validation_classes to a smaller number"
        )
    return np.sort(np.random.default_rng(seed).permutation(seen)[:wanted])
