"""Seeded draws: held-out rows, validation classes, classes thinned to an imbalance, labelled rows of unseen classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zsl_runner.data.records import Rows
from zsl_runner.errors import DataError, OptionError


def by_class(labels: Rows, rows: Rows) -> dict[int, Rows]:
    """Return the rows of each class, classes ascending and rows in their order, without a look at all for each class.

    >>> by_class(np.array([7, 3, 7, 3, 5]), np.array([4, 2, 1, 0]))
    {3: array([1]), 5: array([4]), 7: array([2, 0])}
    """
    order = np.argsort(labels[rows], kind="stable")
    classes, sizes = np.unique(labels[rows], return_counts=True)
    ends = np.cumsum(sizes)
    return {
        label: rows[order[end - size : end]]
        for label, size, end in zip(classes.tolist(), sizes.tolist(), ends.tolist(), strict=True)
    }


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
    for members in by_class(labels, rows).values():
        count = min(max(1, round(share * len(members))), len(members) - 1)
        held.append(generator.permutation(members)[:count])
    out = np.sort(np.concatenate(held))
    return np.setdiff1d(rows, out), out


def usual_validation_classes(seen: int) -> int:
    """Return how many of the seen classes are drawn for validation where no number is asked for."""
    return max(1, round(seen / 5))


def draw_validation_classes(seen: Rows, count: int | None, seed: int) -> Rows:
    """Draw the seen classes that play *unseen* in the tune stage.

    Args:
        seen: (S,) class ids of the seen classes.
        count: how many; None takes a fifth of them, at least one.
        seed: seed of the draw.

    Returns:
        Ascending class ids.

    Raises:
        OptionError: no class would be left to train on.
        DataError: that is so although no number is asked for.
    """
    wanted = usual_validation_classes(len(seen)) if count is None else count
    if wanted >= len(seen):
        unfit = DataError if count is None else OptionError
        raise unfit(
            f"validation_classes: expected fewer than the {len(seen)} seen classes, found {wanted}; "
            "set dataset.validation_classes to a smaller number"
        )
    return np.sort(np.random.default_rng(seed).permutation(seen)[:wanted])


def thinned(labels: Rows, rows: Rows, imbalance: float, seed: int) -> Rows:
    r"""Drop rows so that class sizes fall geometrically from the first class of a random order to the last.

    Class c of rank r among C classes keeps :math:`\lceil n_c \, \iota^{-r / (C - 1)} \rceil` of its n_c rows, so that
    classes of equal size end with sizes whose largest ratio is about the imbalance :math:`\iota`.

    Args:
        labels: (N,) labels of the whole data set.
        rows: the rows to thin.
        imbalance: iota >= 1; 1 keeps all rows.
        seed: seed of the order of classes and of the rows that are kept.

    Returns:
        Ascending row numbers, at least one of each class.
    """
    generator = np.random.default_rng(seed)
    of_class = by_class(labels, rows)
    classes = generator.permutation(np.array(list(of_class)))
    kept: list[Rows] = []
    for rank, label in enumerate(classes.tolist()):
        members = of_class[label]
        kept.append(generator.permutation(members)[: kept_rows(len(members), rank, len(classes), imbalance)])
    return np.sort(np.concatenate(kept)) if kept else rows


def kept_rows(rows: int, rank: int, classes: int, imbalance: float) -> int:
    """Return how many rows of a class are kept; see `thinned`.

    >>> kept_rows(120, 0, 8, 10.0), kept_rows(120, 7, 8, 10.0), kept_rows(120, 0, 1, 10.0)
    (120, 12, 120)
    """
    return int(np.ceil(imbalance ** (-rank / max(classes - 1, 1)) * rows))


def drawn_of_each(labels: Rows, rows: Rows, count: int, seed: int, names: Sequence[str]) -> tuple[Rows, Rows]:
    """Split ``rows`` into (drawn, left), ``count`` rows of each class drawn and at least one left.

    With one seed fewer rows of a class are some of those that more would be, so that counts can be compared.

    Args:
        labels: (N,) labels of the whole data set.
        rows: the rows to draw from.
        count: rows of each class, at least 1.
        seed: seed of the draw.
        names: the classes' names, by label.

    Returns:
        Two ascending index arrays.

    Raises:
        OptionError: a class has too few rows.
    """
    generator = np.random.default_rng(seed)
    drawn: list[Rows] = []
    for label, members in by_class(labels, rows).items():
        if len(members) <= count:
            raise OptionError(
                f"dataset.shots: expected at most {len(members) - 1}, for class {names[label]} has {len(members)} rows "
                f"to draw from and one at least is left to evaluate on; found {count}"
            )
        drawn.append(generator.permutation(members)[:count])
    chosen = np.sort(np.concatenate(drawn)) if drawn else rows[:0]
    return chosen, np.setdiff1d(rows, chosen)
