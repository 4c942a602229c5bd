"""Learning class maps from masks: the loss of each pixel over background and classes."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.objectives.likelihood import categorical_log_likelihood


def with_background_logit(foreground: Tensor, logit: float) -> Tensor:
    r"""Put a constant before the maps of the foreground, as the background's.

    .. math:: l_0(i) = b, \qquad l_c(i) = m_c(i)

    Masks are read from the foreground's maps alone, where they exceed a threshold. With b well above 0 a map may do so
    in a few pixels of an image and still have a positive mean, which is the logit of its tag.

    Args:
        foreground: (B, C, H, W) class activation maps.
        logit: b.

    Returns:
        (B, K, H, W) logits.

    >>> with_background_logit(torch.tensor([1.0, -2.0]).reshape(1, 2, 1, 1), 5.0).flatten()
    tensor([ 5.,  1., -2.])
    """
    return torch.cat([torch.full_like(foreground[:, :1], logit), foreground], 1)


def pixel_loss(logits: Tensor, labels: Tensor, valid: Tensor) -> Tensor:
    r"""Mean cross-entropy of the pixels' classes, the background among them.

    .. math:: -\frac{1}{\sum_{bi} v_{bi}} \sum_{bi} v_{bi} \log \mathrm{softmax}(l_{b \cdot i})_{y_{bi}}

    Args:
        logits: (B, K, H, W), the background's first.
        labels: (B, H, W) int64 in 0..K-1; pixels that are not valid may hold anything.
        valid: (B, H, W) bool, which pixels count, alike over the whole batch.

    Returns:
        () nats; 0 if no pixel counts.

    Source: the per-pixel loss of Long, Shelhamer and Darrell, Fully Convolutional Networks for Semantic Segmentation
    (CVPR 2015), arXiv 1411.4038.

    >>> pixel_loss(torch.zeros(1, 4, 1, 2), torch.tensor([[[3, 9]]]), torch.tensor([[[True, False]]]))
    tensor(1.3863)
    """
    return -categorical_log_likelihood(logits, labels, valid).sum() / valid.sum().clamp(min=1)
