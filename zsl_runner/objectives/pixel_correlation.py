"""The pixel correlation module: maps spread over pixels whose features are alike.

Maps that are spread over many pixels vary little; autocast, which would round their products, leaves none of that.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

from zsl_runner.objectives.class_maps import EPS
from zsl_runner.objectives.normalisation import l2_normalised, sum_normalised
from zsl_runner.objectives.precision import unrounded


def affinity(features: Tensor, power: float = 1.0) -> Tensor:
    r"""How much each pixel hands to each other one: cosines without the negative ones, of sum 1 for each receiver.

    .. math:: A_{ij} = \frac{\max(\hat f_i^\top \hat f_j, 0)^p}{\sum_i \max(\hat f_i^\top \hat f_j, 0)^p + \epsilon},
        \qquad \hat f_i = f_i / \|f_i\|_2

    Args:
        features: (B, D, H, W).
        power: p; 1 as released. With a larger one fewer pixels, which are more alike, hand out more.

    Returns:
        (B, N, N) for N = H W pixels row by row; column j holds what pixel j receives. Each column has sum 1 (up to
        epsilon, 1e-5), but for that of a pixel without features, which is zero.

    Source: Wang et al. (CVPR 2020), arXiv 2004.04581.

    >>> import torch
    >>> affinity(torch.tensor([[1.0, 2.0, 0.0], [0.0, 0.0, 3.0]]).reshape(1, 2, 1, 3)).squeeze()
    tensor([[0.5000, 0.5000, 0.0000],
            [0.5000, 0.5000, 0.0000],
            [0.0000, 0.0000, 1.0000]])
    """
    units = l2_normalised(features.flatten(2), 1, EPS)
    with unrounded(features.device):
        cosines = F.relu(units.transpose(1, 2) @ units)
    return sum_normalised(cosines if power == 1 else cosines**power, 1, EPS)


def refined_maps(maps: Tensor, shares: Tensor) -> Tensor:
    r"""Spread maps over pixels that belong together.

    .. math:: r_c(j) = \sum_i d_c(i) A_{ij}

    Args:
        maps: (B, K, H, W).
        shares: (B, N, N) `affinity` of the same pixels.

    Returns:
        (B, K, H, W), each value a mean of the map's. If all features are alike: the mean of the map.

    Raises:
        ValueError: the affinity is of another number of pixels.

    Source: Wang et al. 2020.
    """
    pixels = maps.shape[-2] * maps.shape[-1]
    if shares.shape[-2:] != (pixels, pixels):
        raise ValueError(f"expected an affinity of {pixels} pixels, found {tuple(shares.shape[-2:])}")
    with unrounded(maps.device):
        return (maps.flatten(2) @ shares).reshape(maps.shape)
