"""Thins classes to a geometric imbalance, to study class priors that are far from uniform."""

from __future__ import annotations

import numpy as np

from zsl_runner.data.records import Rows


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
    classes = generator.permutation(np.unique(labels[rows]))
    kept: list[Rows] = []
    for rank, label in enumerate(classes):
        members = rows[labels[rows] == label]
        share = imbalance ** (-rank / max(len(classes) - 1, 1))
        kept.append(generator.permutation(members)[: int(np.ceil(share * len(members)))])
    return np.sort(np.concatenate(kept)) if kept else rows
