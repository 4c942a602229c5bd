"""Losses of a regressor that predicts the class vector of a feature row."""

from __future__ import annotations

import torch
from torch import Tensor


def self_weighted_error(predicted: Tensor, target: Tensor) -> Tensor:
    r"""Absolute errors, each weighted by its own share of the row's error.

    .. math:: L = \frac1B \sum_i \sum_j \frac{|e_{ij}|^3}{\| e_i \|_2}, \qquad e = \hat a - a

    Homogeneous of degree 2 in e: between ||e||^2 / sqrt(k), all k errors alike, and ||e||^2, a single error. The
    weights are differentiated too. A row without error costs 0 and feels no force.

    Args:
        predicted: (B, k) predicted class vectors.
        target: (B, k) class vectors.

    Returns:
        A scalar >= 0.

    Source: the regression loss of the code released with Bi-VAEGAN (Wang et al. 2023), there named after the L1 norm.

    >>> self_weighted_error(torch.tensor([[3.0, 4.0]]), torch.zeros(1, 2))
    tensor(18.2000)
    """
    error = predicted - target
    squares = error.square().sum(1)
    # 1 where there is no error: the numerator is 0 there, and so are both gradients.
    norms = torch.where(squares > 0, squares, 1).sqrt()
    return (error.abs().pow(3).sum(1) / norms).mean()


def mean_squared_error(predicted: Tensor, target: Tensor, *, batch_divided_twice: bool = False) -> Tensor:
    r"""Squared error, averaged over all elements.

    .. math:: L = \frac{1}{B k} \sum_{ij} (\hat a_{ij} - a_{ij})^2, \qquad L_{released} = L / B

    Args:
        predicted: (B, k) predicted class vectors.
        target: (B, k) class vectors.
        batch_divided_twice: divide by B once more, as the released code does, so that the loss of a larger batch weighs
            less.

    Returns:
        A scalar >= 0.

    Source: the alternative regression loss of the code released with Bi-VAEGAN (Wang et al. 2023).

    >>> mean_squared_error(torch.tensor([[3.0], [5.0]]), torch.zeros(2, 1), batch_divided_twice=True)
    tensor(8.5000)
    """
    loss = (predicted - target).square().mean()
    return loss / len(predicted) if batch_divided_twice else loss
