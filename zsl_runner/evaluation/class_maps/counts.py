"""Confusion matrices of label maps, and what follows from them."""

from __future__ import annotations

import torch
from torch import Tensor


def threshold_confusions(
    scores: Tensor, labels: Tensor, truth: Tensor, valid: Tensor, thresholds: Tensor, classes: int
) -> Tensor:
    r"""Count for each image and threshold how often a true class was labelled as another one.

    .. math:: n_{btck} = \left|\{ i : v_b(i), \; y_b(i) = c, \; \hat y_{bt}(i) = k \}\right|, \qquad
        \hat y_{bt}(i) = \hat l_b(i) \text{ if } s_b(i) > \beta_t, \text{ else } 0

    Args:
        scores: (B, N) confidence of the best foreground class of each pixel.
        labels: (B, N) int64 that class, in 1..K-1.
        truth: (B, N) int64 in 0..K-1; pixels that are not valid may hold anything in 0..K-1.
        valid: (B, N) bool.
        thresholds: (T,) ascending.
        classes: K.

    Returns:
        (B, T, K, K) int64; rows are true classes, columns labels.

    >>> one = torch.ones(1, 3, dtype=torch.int64)
    >>> threshold_confusions(
    ...     torch.tensor([[0.1, 0.5, 0.9]]), one, one, one > 0, torch.tensor([0.2, 0.6]), 2
    ... ).tolist()
    [[[[0, 0], [1, 2]], [[0, 0], [2, 1]]]]
    """
    images, levels = len(scores), len(thresholds)
    passed = torch.bucketize(scores.contiguous(), thresholds)  # how many thresholds are below the score
    image = torch.arange(images, device=scores.device)[:, None]
    index = ((image * (levels + 1) + passed) * classes + truth) * classes + labels
    size = images * (levels + 1) * classes * classes
    counts = torch.bincount(index[valid], minlength=size).reshape(images, levels + 1, classes, classes)
    # A pixel that passed m thresholds is foreground at the first m of them.
    foreground = counts.flip(1).cumsum(1).flip(1)[:, 1:]
    rest = counts.sum((1, 3))[:, None] - foreground.sum(3)
    found = foreground.clone()
    found[..., 0] = rest
    return found


def class_ious(confusion: Tensor) -> Tensor:
    """Return (..., K) intersections over unions of (..., K, K) counts; NaN for a class that is neither true nor found.

    >>> class_ious(torch.tensor([[2, 1, 0], [0, 1, 0], [0, 0, 0]]))
    tensor([0.6667, 0.5000,    nan], dtype=torch.float64)
    """
    right = confusion.diagonal(dim1=-2, dim2=-1).double()
    return right / (confusion.sum(-1) + confusion.sum(-2) - right)


def precisions(confusion: Tensor) -> Tensor:
    """Return (..., K) shares of right ones among a class's labels; NaN for a class that is never found."""
    return confusion.diagonal(dim1=-2, dim2=-1).double() / confusion.sum(-2)


def recalls(confusion: Tensor) -> Tensor:
    """Return (..., K) shares of a class's pixels that are found; NaN for a class that is nowhere."""
    return confusion.diagonal(dim1=-2, dim2=-1).double() / confusion.sum(-1)


def all_background(confusion: Tensor) -> Tensor:
    """Return the (K, K) counts of the same truth if all pixels were labelled background."""
    found = torch.zeros_like(confusion)
    found[:, 0] = confusion.sum(1)
    return found
