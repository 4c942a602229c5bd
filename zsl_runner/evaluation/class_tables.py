"""What predictions say of single classes: accuracies, and which classes are taken for which."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from zsl_runner.evaluation.base import Table
from zsl_runner.evaluation.metrics import per_class_accuracy
from zsl_runner.evaluation.predictions import Decided


def class_accuracies(groups: Sequence[Decided], class_names: Sequence[str]) -> Table:
    """Return rows and accuracies in per cent of each class that has rows, a group after the other.

    The mean of a column over the classes of a group is the metric: ``accuracy`` gives S and U, ``accuracy_unseen``
    (among the unseen classes alone) T1.
    """
    names: list[str] = []
    values: list[tuple[float | None, ...]] = []
    for group in groups:
        labels, unseen = group.labels, group.predicted_unseen
        assert labels is not None  # of rows that were measured
        counts = torch.bincount(labels, minlength=len(class_names))
        every = per_class_accuracy(labels, group.predicted, len(class_names))
        alone = None if unseen is None else per_class_accuracy(labels, unseen, len(class_names))
        for label in torch.nonzero(counts).squeeze(1).tolist():
            names.append(class_names[label])
            values.append((int(counts[label]), float(every[label]), None if alone is None else float(alone[label])))
    return Table(tuple(names), ("rows", "accuracy", "accuracy_unseen"), tuple(values))


def assignments(group: Decided, class_names: Sequence[str]) -> Table:
    """Return how many rows each class got among all candidates, among the unseen ones alone, and with calibration.

    Classes that got none at all are left out; a column is empty where there are no such predictions.
    """
    found = [group.predicted, group.predicted_unseen, group.calibrated]
    counts = [None if ids is None else torch.bincount(ids, minlength=len(class_names)).tolist() for ids in found]
    lines = [
        (class_names[label], tuple(None if column is None else column[label] for column in counts))
        for label in group.candidates.tolist()
    ]
    names, values = zip(*(line for line in lines if any(line[1])), strict=True)
    return Table(names, ("rows", "rows_unseen", "rows_calibrated"), values)


def confusions(groups: Sequence[Decided], class_names: Sequence[str], most: int = 10) -> Table:
    """Return the pairs of classes that are confused most often among all candidates, the most frequent first.

    A line is named ``true -> predicted``; its columns are the rows confused and their share of the true class's rows in
    per cent.
    """
    labels = torch.cat([group.labels for group in groups if group.labels is not None])
    predicted = torch.cat([group.predicted for group in groups])
    classes = len(class_names)
    rows = torch.bincount(labels, minlength=classes)
    wrong = labels != predicted
    pairs, counts = torch.unique(labels[wrong] * classes + predicted[wrong], return_counts=True)
    order = counts.argsort(descending=True, stable=True)[:most]
    names: list[str] = []
    values: list[tuple[float | None, ...]] = []
    for pair, count in zip(pairs[order].tolist(), counts[order].tolist(), strict=True):
        label, other = divmod(pair, classes)
        names.append(f"{class_names[label]} -> {class_names[other]}")
        values.append((count, 100 * count / int(rows[label])))
    return Table(tuple(names), ("rows", "share"), tuple(values))
