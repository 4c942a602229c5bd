"""Similarity of representations."""

from __future__ import annotations

import torch
from torch import Tensor


def linear_cka(x: Tensor, y: Tensor) -> Tensor:
    r"""Return the centred kernel alignment of two representations of the same rows, with linear kernels.

    .. math:: \frac{\| \bar Y^\top \bar X \|_F^2}{\| \bar X^\top \bar X \|_F \, \| \bar Y^\top \bar Y \|_F}

    where the mean over rows was taken off each column. It is 1 for representations that agree up to a rotation and a
    factor, and 0 for uncorrelated ones.

    Args:
        x: (N, p), N at least 2.
        y: (N, q).

    Returns:
        A scalar in 0..1; 0 if one of them is constant.

    Source: Kornblith et al. 2019, equation 4 with linear kernels.

    >>> x = torch.tensor([[1.0, 0.0], [0.0, 1.0], [2.0, 3.0]])
    >>> round(float(linear_cka(x, 5 * x.flip(1))), 5)
    1.0
    """
    x, y = _centred(x), _centred(y)
    # Of more columns than rows the (N, N) products are the smaller ones, and have the same norms.
    if max(x.shape[1], y.shape[1]) > len(x):
        of_x, of_y = x @ x.T, y @ y.T
        common = (of_x * of_y).sum()
    else:
        of_x, of_y = x.T @ x, y.T @ y
        common = (y.T @ x).square().sum()
    alike: Tensor = common / (of_x.norm() * of_y.norm()).clamp_min(torch.finfo(x.dtype).tiny)
    return alike.clamp(0, 1)  # by rounding it may lie outside


def _centred(x: Tensor) -> Tensor:
    """Take the mean over rows off each column; what rounding leaves of a constant column would count as a direction."""
    x = x - x[0]
    return x - x.mean(0)
