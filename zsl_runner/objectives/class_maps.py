"""Class activation maps: cleaned, scaled to confidences, and turned into pseudo masks.

Maps are (B, K, H, W) with the background as channel 0 and the C = K - 1 foreground classes after it, or (B, C, H, W)
where the background is left out. Tags (B, C) are 1 for the foreground classes an image shows, and 0 for the others.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.objectives.normalisation import max_normalised

SPACE: Final = (-2, -1)
EPS: Final = 1e-5


def resized(maps: Tensor, size: tuple[int, int], aligned: bool = True) -> Tensor:
    """Return maps (B, C, h, w) at another size, interpolated linearly between pixels.

    Args:
        maps: (B, C, h, w).
        size: height and width wanted.
        aligned: whether the centres of the corners fall on each other, as in training; otherwise the borders do, as
            where maps are laid over images.
    """
    if maps.shape[-2:] == size:
        return maps
    return F.interpolate(maps, size, mode="bilinear", align_corners=aligned)


def with_background(foreground: Tensor) -> Tensor:
    r"""Put $1 - \max_c m_c$ before the maps of the foreground, as the background's.

    Args:
        foreground: (B, C, H, W) in [0, 1].

    Returns:
        (B, K, H, W).

    >>> with_background(torch.tensor([0.25, 0.5]).reshape(1, 2, 1, 1)).flatten()
    tensor([0.5000, 0.2500, 0.5000])
    """
    return torch.cat([1 - foreground.amax(1, keepdim=True), foreground], 1)


def strongest_foreground(maps: Tensor) -> Tensor:
    """Keep of each pixel's foreground the largest value alone, and the background as it is.

    Args:
        maps: (B, K, H, W).

    Returns:
        (B, K, H, W) with zeros where another foreground class is larger; equal ones all stay.

    Source: the released code of SEAM (Wang et al. 2020), which changes the maps in place.

    >>> strongest_foreground(torch.tensor([0.5, 0.3, 0.2]).reshape(1, 3, 1, 1)).flatten()
    tensor([0.5000, 0.3000, 0.0000])
    """
    foreground = maps[:, 1:]
    largest = foreground == foreground.amax(1, keepdim=True)
    return torch.cat([maps[:, :1], torch.where(largest, foreground, 0)], 1)


@torch.no_grad()
def cleaned_maps(logits: Tensor, eps: float = EPS, tags: Tensor | None = None) -> Tensor:
    r"""Maps as the correlation module spreads them: scaled by their maxima, one foreground class in each pixel.

    .. math:: d_c(i) = \frac{\max(\max(m_c(i), 0) - \epsilon, 0)}{\max_j \max(m_c(j), 0) + \epsilon}, \qquad
        d_0(i) = 1 - \max_{c \ge 1} d_c(i)

    and of $d_1 \dots d_C$ only the largest is kept. Constants for the gradient. A class that an image does not show has
    some largest value, too, which becomes 1: there it takes pixels from those the image shows, unless tags are given.

    Args:
        logits: (B, K, H, W) class activation maps; their background is not used.
        eps: what counts as no activation.
        tags: (B, C), to which $d_1 \dots d_C$ are limited; None for the released form, in which all classes take part.

    Returns:
        (B, K, H, W) in [0, 1].

    Source: Wang et al. (CVPR 2020), arXiv 2004.04581, as released.

    >>> logits = torch.tensor([[9.0, 9.0, 9.0], [2.0, 1.0, 0.5], [-1.0, 4.0, 2.0]]).reshape(1, 3, 1, 3)
    >>> cleaned_maps(logits).squeeze().round(decimals=3)
    tensor([[0.0000, 0.0000, 0.5000],
            [1.0000, 0.0000, 0.0000],
            [0.0000, 1.0000, 0.5000]])
    """
    foreground = logits[:, 1:] if tags is None else logits[:, 1:] * tags[:, :, None, None].to(logits.dtype)
    # max(m - eps, 0) has the maximum max(m, 0) - eps; where that is negative, the numerator is zero.
    return strongest_foreground(with_background(max_normalised(foreground - eps, SPACE, 2 * eps)))


def confidences(maps: Tensor, eps: float = EPS, clamped: bool = True) -> Tensor:
    r"""How sure each map is of each pixel, against its own extremes.

    .. math:: s_c(i) = \max\left(0,
        \frac{\rho_c(i) - \min_j \rho_c(j) - \epsilon}{\max_j \rho_c(j) - \min_j \rho_c(j) + \epsilon}\right),
        \qquad \rho = \max(r, 0)

    Args:
        maps: (B, C, H, W) maps of any scale, plain or refined.
        eps: what counts as no activation.
        clamped: False for the released form, without the outer maximum and with rho = 0 wherever it is within eps of
            the minimum: negative there, and -1 all over a map without activation.

    Returns:
        (B, C, H, W) in [0, 1); a map without activation, or a constant one, is zero everywhere.

    Source: Du et al. (CVPR 2022), arXiv 2110.07110; the formula is that of the released code.

    >>> confidences(torch.tensor([[-1.0, 0.5, 1.0]]).reshape(1, 1, 1, 3)).flatten()
    tensor([0.0000, 0.5000, 1.0000])
    """
    positive = F.relu(maps)
    low = positive.amin(SPACE, keepdim=True)
    if clamped:
        return max_normalised(positive - low - eps, SPACE, 2 * eps)
    width = positive.amax(SPACE, keepdim=True) - low + eps
    return (torch.where(positive < low + eps, 0, positive) - low - eps) / width


@torch.no_grad()
def pseudo_masks(scores: Tensor, tags: Tensor, threshold: float) -> Tensor:
    r"""The class of each pixel among those the image is tagged with, or the background.

    .. math:: y(i) = \arg\max_c s_c(i) \, t_c, \qquad s_0 = \beta, \; t_0 = 1

    Args:
        scores: (B, C, H, W) `confidences`.
        tags: (B, C).
        threshold: beta, the confidence a class must exceed.

    Returns:
        (B, H, W) int64 in 0..C; constants.

    Source: Du et al. 2022; beta is 0.2 beside SEAM and 0.1 beside EPS.

    >>> scores = torch.tensor([[0.1, 0.6], [0.9, 0.5]]).reshape(1, 2, 1, 2)
    >>> pseudo_masks(scores, torch.tensor([[1.0, 0.0]]), 0.2)
    tensor([[[0, 1]]])
    """
    tagged = scores * tags[:, :, None, None].to(scores.dtype)
    return torch.cat([torch.full_like(tagged[:, :1], threshold), tagged], 1).argmax(1)
