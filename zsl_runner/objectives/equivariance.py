"""Learning class maps from tags: classification, least activation, and maps that agree between two views.

Maps and tags are as in `zsl_runner.objectives.class_maps`; those of two views have equal sizes here.
"""

from __future__ import annotations

from typing import Final

from torch import Tensor
from torch.nn import functional as F

from zsl_runner.objectives.class_maps import SPACE, strongest_foreground

FARTHEST: Final = 0.2
"""Share of the entries of an image's maps that the cross refinement compares."""


def tag_loss(logits: Tensor, tags: Tensor) -> Tensor:
    r"""Logistic loss of the maps' means, one for each foreground class.

    .. math:: -\frac{1}{BC} \sum_{bc} t_{bc} \log \sigma(\bar m_{bc}) + (1 - t_{bc}) \log \sigma(-\bar m_{bc}), \qquad
        \bar m_{bc} = \frac1N \sum_i m_{bc}(i)

    Args:
        logits: (B, K, H, W) class activation maps.
        tags: (B, C).

    Returns:
        () nats.

    Source: the multi-label soft-margin loss of Wang et al. (CVPR 2020), arXiv 2004.04581.

    >>> import torch
    >>> tag_loss(torch.zeros(1, 3, 2, 2), torch.tensor([[1.0, 0.0]]))
    tensor(0.6931)
    """
    return F.multilabel_soft_margin_loss(logits[:, 1:].mean(SPACE), tags.to(logits.dtype))


def least_activation(maps: Tensor, tags: Tensor, share: float = 0.25) -> Tensor:
    r"""Adaptive minimum pooling: the mean activation of the pixels where an image's classes are weakest.

    .. math:: \frac{1}{B n} \sum_b \sum_{i \in \Lambda_b} \max(a_b(i), 0), \qquad
        a_b(i) = \max_{c \ge 1} r_{bc}(i) \, t_{bc}

    with $\Lambda_b$ the n = share H W pixels of smallest a. It leaves room for a background.

    Args:
        maps: (B, K, H, W) refined maps.
        tags: (B, C).
        share: of the pixels; at least one is taken.

    Returns:
        () non-negative.

    Source: the released code of SEAM (Wang et al. 2020).

    >>> import torch
    >>> maps = torch.tensor([[9.0, 9.0, 9.0, 9.0], [0.4, 0.1, 0.3, 0.2]]).reshape(1, 2, 2, 2)
    >>> least_activation(maps, torch.ones(1, 1), share=0.5)
    tensor(0.1500)
    """
    strongest = (maps[:, 1:] * tags[:, :, None, None].to(maps.dtype)).amax(1).flatten(1)
    lowest = strongest.topk(max(1, int(share * strongest.shape[1])), 1, largest=False).values
    return F.relu(lowest).mean()


def equivariance_loss(one: Tensor, other: Tensor) -> Tensor:
    r"""Mean absolute difference of the maps of two views.

    .. math:: \frac{1}{BCN} \sum_{bci} |s_{bc}(i) - s'_{bc}(i)|

    Args:
        one: (B, C, H, W) `confidences` of the foreground, times the tags.
        other: the same of the other view.

    Returns:
        () in [0, 1].

    Source: equivariant regularisation of Wang et al. 2020.
    """
    return (one - other).abs().mean()


def cross_refinement_loss(refined: Tensor, plain: Tensor) -> Tensor:
    r"""How far the refined maps of one view are from the plain maps of the other, where they are farthest.

    .. math:: \frac{1}{B n} \sum_b \sum_{(c,i) \in T_b} |r_{bc}(i) - \tilde s_{bc}(i)|

    with $T_b$ the n = max(1, 0.2 K N) entries of largest difference in an image, and $\tilde s$ the plain maps with the
    largest foreground class of each pixel alone, which are constants for the gradient.

    Args:
        refined: (B, K, H, W) refined maps of one view, scaled to confidences, times the tags.
        plain: (B, K, H, W) plain maps of the other view, scaled alike, with their background.

    Returns:
        () non-negative; the loss of a pair of views is the sum of both directions.

    Source: equivariant cross regularisation of Wang et al. 2020; the share is that of the released code.
    """
    differences = (refined - strongest_foreground(plain.detach())).abs().flatten(1)
    return differences.topk(max(1, int(FARTHEST * differences.shape[1])), 1).values.mean()
