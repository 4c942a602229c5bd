"""How well predicted label maps agree with true ones, image by image."""

from __future__ import annotations

import torch
from torch import Tensor


def pixel_accuracy(predicted: Tensor, y: Tensor, valid: Tensor | None = None) -> Tensor:
    r"""Share of the valid pixels of each image whose label is right.

    .. math:: a_b = \frac{\sum_{ij} v_{bij} \, [\hat y_{bij} = y_{bij}]}{\sum_{ij} v_{bij}}

    Args:
        predicted: (B, H, W) labels.
        y: (B, H, W) true labels.
        valid: (B, H, W) bool, which pixels count; None for all.

    Returns:
        (B,) in [0, 1]; NaN for an image without a valid pixel.

    >>> pixel_accuracy(torch.tensor([[[0, 1]]]), torch.tensor([[[1, 1]]]))
    tensor([0.5000])
    """
    right = predicted == y
    if valid is None:
        return right.flatten(1).float().mean(1)
    return (right & valid).flatten(1).sum(1) / valid.flatten(1).sum(1)


def foreground_iou(predicted: Tensor, y: Tensor, valid: Tensor | None = None, *, empty: float = 0.0) -> Tensor:
    r"""Intersection over union of predicted and true foreground of each image; every label but 0 is foreground.

    .. math:: \frac{|\hat F_b \cap F_b|}{|\hat F_b \cup F_b|}

    Args:
        predicted: (B, H, W) labels.
        y: (B, H, W) true labels.
        valid: (B, H, W) bool, which pixels count; None for all.
        empty: the value of an image where both sets are empty; the code released with Sohn et al. gives it 0.

    Returns:
        (B,) in [0, 1].

    Source: Sohn et al. 2015, table 2 (CUB), with foreground where its probability is above one half.

    >>> foreground_iou(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[1, 1, 0]]]))
    tensor([0.3333])
    """
    first, second = predicted > 0, y > 0
    if valid is not None:
        first, second = first & valid, second & valid
    union = (first | second).flatten(1).sum(1)
    return torch.where(union > 0, (first & second).flatten(1).sum(1) / union.clamp(min=1), empty)


def mean_class_iou(predicted: Tensor, y: Tensor, classes: int, valid: Tensor | None = None) -> Tensor:
    r"""Intersection over union of each image, averaged over the classes that its prediction or its truth has.

    .. math:: \frac{1}{|C_b|} \sum_{k \in C_b} \frac{|\hat R_{bk} \cap R_{bk}|}{|\hat R_{bk} \cup R_{bk}|}

    Args:
        predicted: (B, H, W) labels.
        y: (B, H, W) true labels.
        classes: number K of labels.
        valid: (B, H, W) bool, which pixels count; None for all.

    Returns:
        (B,) in [0, 1]; NaN for an image without a valid pixel.

    >>> mean_class_iou(torch.tensor([[[0, 1, 1]]]), torch.tensor([[[0, 1, 2]]]), 4)
    tensor([0.5000])
    """
    levels = torch.arange(classes, device=y.device)[:, None, None]
    first, second = predicted.unsqueeze(1) == levels, y.unsqueeze(1) == levels
    if valid is not None:
        first, second = first & valid.unsqueeze(1), second & valid.unsqueeze(1)
    union = (first | second).flatten(2).sum(2)
    shares = (first & second).flatten(2).sum(2) / union.clamp(min=1)
    return shares.sum(1) / (union > 0).sum(1)
