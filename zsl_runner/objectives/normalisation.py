"""Normalisations: by the sum, by the Euclidean norm, by the maximum, to the range 0 to 1, and the softmax.

Each works along one axis or several, which keep their place. ``eps`` stands where a division by zero threatens, and how
far a law holds only up to ``eps`` is said in each docstring.
"""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F

Axes = int | tuple[int, ...]


def sum_normalised(values: Tensor, dim: Axes, eps: float = 0.0) -> Tensor:
    r"""Divide non-negative values by their sum.

    .. math:: \frac{v_i}{\sum_j v_j + \epsilon}

    Args:
        values: (...) non-negative.
        dim: axis or axes of the sum.
        eps: added to the sum; with 0, values that are all zero become NaN.

    Returns:
        Values of sum 1, or S / (S + eps) for values of sum S; zeros stay zeros if ``eps`` is not 0.

    >>> import torch
    >>> sum_normalised(torch.tensor([1.0, 3.0]), 0)
    tensor([0.2500, 0.7500])
    """
    return values / (values.sum(dim, keepdim=True) + eps)


def l2_normalised(values: Tensor, dim: Axes, eps: float = 1e-12) -> Tensor:
    r"""Divide by the Euclidean norm.

    .. math:: \frac{v}{\max(\|v\|_2, \epsilon)}

    Args:
        values: (...).
        dim: axis or axes of a vector.
        eps: least norm divided by; greater than 0.

    Returns:
        Vectors of norm 1, the same for every positive multiple of ``values``; a vector shorter than ``eps`` has norm
        below 1, a zero vector stays zero.

    >>> import torch
    >>> l2_normalised(torch.tensor([[3.0, 4.0], [0.0, 0.0]]), 1)
    tensor([[0.6000, 0.8000],
            [0.0000, 0.0000]])
    """
    return F.normalize(values, dim=dim, eps=eps)  # type: ignore[arg-type]  # its stub knows no tuples of axes


def max_normalised(values: Tensor, dim: Axes, eps: float = 1e-5) -> Tensor:
    r"""Drop what is negative and divide by the maximum.

    .. math:: \frac{\max(v_i, 0)}{\max_j \max(v_j, 0) + \epsilon}

    Args:
        values: (...).
        dim: axis or axes of the maximum.
        eps: added to the maximum; greater than 0.

    Returns:
        Values in [0, 1] with maximum M / (M + eps) for a maximum M > 0; without a positive value all are zero.

    >>> import torch
    >>> max_normalised(torch.tensor([-1.0, 1.0, 2.0]), 0)
    tensor([0.0000, 0.5000, 1.0000])
    """
    positive = F.relu(values)
    return positive / (positive.amax(dim, keepdim=True) + eps)


def min_max_normalised(values: Tensor, dim: Axes, eps: float = 1e-5) -> Tensor:
    r"""Shift and scale to the range from 0 to 1.

    .. math:: \frac{v_i - \min_j v_j}{\max_j v_j - \min_j v_j + \epsilon}

    Args:
        values: (...).
        dim: axis or axes of the extremes.
        eps: added to the range; greater than 0.

    Returns:
        Values in [0, 1] with minimum 0 and maximum R / (R + eps) for a range R, so the same for a v + b, a > 0, up to
        ``eps``; constant values become zeros.

    >>> import torch
    >>> min_max_normalised(torch.tensor([[-1.0, 1.0, 3.0], [7.0, 7.0, 7.0]]), 1)
    tensor([[0.0000, 0.5000, 1.0000],
            [0.0000, 0.0000, 0.0000]])
    """
    low, high = values.amin(dim, keepdim=True), values.amax(dim, keepdim=True)
    return (values - low) / (high - low + eps)


def softmax_normalised(values: Tensor, dim: int, temperature: Tensor | float = 1.0) -> Tensor:
    r"""Shares in proportion to exponentials.

    .. math:: \frac{\exp(v_i / T)}{\sum_j \exp(v_j / T)}

    Args:
        values: (...); one that is minus infinity has share 0, as long as another is finite.
        dim: axis of the shares.
        temperature: T > 0; near 0 all falls to the largest value.

    Returns:
        Shares in [0, 1] of sum 1, the same for v + b.

    >>> import torch
    >>> softmax_normalised(torch.tensor([0.0, 0.6931]), 0)
    tensor([0.3333, 0.6667])
    """
    return (values / temperature).softmax(dim)
