"""Label maps at coarser scales, and the cross-entropy of predictions made there."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def one_hot_map(labels: Tensor, valid: Tensor | None, classes: int, dtype: torch.dtype = torch.float32) -> Tensor:
    r"""One channel for each class; a pixel that is not valid has none.

    .. math:: o_{bkij} = v_{bij} \, [y_{bij} = k]

    Args:
        labels: (B, H, W) int64 in 0..K-1; pixels that are not valid may hold anything.
        valid: (B, H, W) bool; None if all pixels are valid.
        classes: K.
        dtype: of the result.

    Returns:
        (B, K, H, W) of 0 and 1.

    Source: the outputs a recognition network sees in Sohn et al. 2015, section 4.

    >>> one_hot_map(torch.tensor([[[1, 7]]]), torch.tensor([[[True, False]]]), 2).squeeze()
    tensor([[0., 0.],
            [1., 0.]])
    """
    if valid is not None:
        labels = torch.where(valid, labels, classes)
    levels = torch.arange(classes, device=labels.device)[:, None, None]
    return (labels.unsqueeze(1) == levels).to(dtype)


def coarse_targets(labels: Tensor, valid: Tensor | None, classes: int, factor: int) -> tuple[Tensor, Tensor]:
    r"""Label map at a coarser scale: which classes occur in each cell, with equal shares.

    .. math:: t_{bkuv} = \frac{m_{bkuv}}{\sum_{k'} m_{bk'uv}}, \qquad
        m_{bkuv} = \max_{(i,j) \in \text{cell}(u,v)} v_{bij} \, [y_{bij} = k]

    Cells at the border of two classes have soft labels; cells without a valid pixel are not valid, and all zero.

    Args:
        labels: (B, H, W) int64 in 0..K-1; pixels that are not valid may hold anything.
        valid: (B, H, W) bool; None if all pixels are valid.
        classes: K.
        factor: side of a cell in pixels; divides H and W.

    Returns:
        The targets (B, K, H / factor, W / factor), which sum to 1 over valid cells' classes, and which cells are valid.

    Raises:
        ValueError: the cells do not cover the map.

    Source: Sohn et al. 2015, section 4.2; maximum and normalisation as in the released code.

    >>> targets, _ = coarse_targets(torch.tensor([[[0, 1], [1, 1]]]), None, 3, 2)
    >>> targets.flatten()
    tensor([0.5000, 0.5000, 0.0000])
    """
    if labels.shape[-2] % factor or labels.shape[-1] % factor:
        raise ValueError(f"cells of side {factor} do not cover maps of {labels.shape[-2]} x {labels.shape[-1]} pixels")
    present = F.max_pool2d(one_hot_map(labels, valid, classes), factor)
    count = present.sum(1, keepdim=True)
    return present / count.clamp(min=1), count.squeeze(1) > 0


def soft_cross_entropy(logits: Tensor, targets: Tensor, valid: Tensor) -> Tensor:
    r"""Cross-entropy of predicted against given class shares, summed over valid cells.

    .. math:: -\sum_{uv} v_{buv} \sum_k t_{bkuv} \log \mathrm{softmax}(l_{b \cdot uv})_k

    Args:
        logits: (B, K, h, w).
        targets: (B, K, h, w) non-negative, of sum 1 over k in valid cells.
        valid: (B, h, w) bool.

    Returns:
        (B,) nats.

    Source: Sohn et al. 2015, section 4.2.

    >>> soft_cross_entropy(torch.zeros(1, 2, 1, 1), torch.full((1, 2, 1, 1), 0.5), torch.ones(1, 1, 1) > 0)
    tensor([0.6931])
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    entropies = -(targets * F.log_softmax(logits, 1)).sum(1)
    return (entropies * valid).flatten(1).sum(1)
