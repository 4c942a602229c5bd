"""Zero-shot metrics as pure functions. All are in per cent."""

from __future__ import annotations

import torch
from torch import Tensor


def per_class_accuracy(labels: Tensor, predictions: Tensor, classes: int) -> Tensor:
    r"""Return the accuracy of each class, NaN for classes without a row.

    $\mathrm{acc}_c = \frac{1}{n_c} \sum_{i: y_i = c} [\hat y_i = c]$

    Args:
        labels: (N,) int64 true classes in 0..classes-1.
        predictions: (N,) int64 predicted classes.
        classes: number of classes K.

    Returns:
        (K,) float64, in per cent.
    """
    right = torch.bincount(labels[labels == predictions], minlength=classes).double()
    return 100 * right / torch.bincount(labels, minlength=classes)


def mean_class_accuracy(labels: Tensor, predictions: Tensor) -> float:
    r"""Return the mean of the per-class accuracies over the classes **present in** ``labels``.

    A prediction of a class that is absent from ``labels`` counts as an error of the true class; it never adds a class
    to the mean (a macro average over all labels in truth or prediction would).

    Args:
        labels: (N,) int64 true classes.
        predictions: (N,) int64 predicted classes.

    Returns:
        Per cent. 0 if there is no row.

    >>> mean_class_accuracy(torch.tensor([0, 0, 1, 1, 1, 1]), torch.tensor([0, 2, 1, 1, 3, 4]))
    50.0
    """
    if len(labels) == 0:
        return 0.0
    classes = int(labels.max()) + 1
    accuracy = per_class_accuracy(labels, predictions, classes)
    return float(accuracy[~accuracy.isnan()].mean())


def harmonic_mean(unseen: float, seen: float) -> float:
    r"""Return $H = 2US/(U+S)$, and 0 if both are 0.

    >>> round(harmonic_mean(52.7, 75.7), 2)
    62.14
    """
    total = unseen + seen
    return 2 * unseen * seen / total if total > 0 else 0.0
