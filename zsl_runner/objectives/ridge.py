"""Closed forms of regularised least squares, from sufficient statistics gathered block by block."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import torch
from torch import Tensor


class Moments(NamedTuple):
    """Sums over rows, in float64.

    Attributes:
        gram: (P, P) sum of x x^T.
        cross: (P, Q) sum of x t^T.
        total: (P,) sum of x.
        target_total: (Q,) sum of t.
        target_square: scalar sum of the squared entries of t.
        rows: number of rows.
    """

    gram: Tensor
    cross: Tensor
    total: Tensor
    target_total: Tensor
    target_square: Tensor
    rows: int


def moments(blocks: Iterable[tuple[Tensor, Tensor]]) -> Moments:
    r"""Gather the sufficient statistics of a linear regression without holding all rows at once.

    Args:
        blocks: at least one pair of inputs (n, P) and targets (n, Q).

    Returns:
        The sums over the rows of all blocks.

    Raises:
        ValueError: no block was given.

    >>> moments([(torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [4.0]]))]).cross
    tensor([[11.]], dtype=torch.float64)
    """
    sums: Moments | None = None
    for block, block_targets in blocks:
        x, t = block.double(), block_targets.double()
        part = Moments(x.T @ x, x.T @ t, x.sum(0), t.sum(0), t.square().sum(), len(x))
        sums = part if sums is None else _added(sums, part)
    if sums is None:
        raise ValueError("moments need at least one block of rows")
    return sums


def _added(one: Moments, other: Moments) -> Moments:
    return Moments(
        one.gram + other.gram,
        one.cross + other.cross,
        one.total + other.total,
        one.target_total + other.target_total,
        one.target_square + other.target_square,
        one.rows + other.rows,
    )


def centred(sums: Moments) -> Moments:
    r"""Return the sums that inputs and targets less their means would give.

    .. math:: \sum (x - \bar x)(x - \bar x)^T = \sum x x^T - n \bar x \bar x^T

    >>> centred(moments([(torch.tensor([[1.0], [3.0]]), torch.tensor([[0.0], [1.0]]))])).gram
    tensor([[2.]], dtype=torch.float64)
    """
    mean, target_mean = sums.total / sums.rows, sums.target_total / sums.rows
    return Moments(
        sums.gram - torch.outer(sums.total, mean),
        sums.cross - torch.outer(sums.total, target_mean),
        torch.zeros_like(sums.total),
        torch.zeros_like(sums.target_total),
        sums.target_square - sums.target_total @ target_mean,
        sums.rows,
    )


def penalised_solve(gram: Tensor, right: Tensor, *, penalty: float) -> Tensor:
    r"""Solve the normal equations of ridge regression.

    .. math:: W = (G + \lambda I)^{-1} C

    Args:
        gram: (P, P) symmetric, positive semi-definite.
        right: (P, Q).
        penalty: lambda > 0, in the units of ``gram`` (sums over rows, not means).

    Returns:
        (P, Q): with gram X^T X and right side X^T T the minimiser of ||X W - T||^2 + lambda ||W||^2.

    Raises:
        ValueError: the gram has no inverse of its own and the penalty is lost in the rounding of its entries.

    >>> penalised_solve(torch.tensor([[3.0]]), torch.tensor([[8.0]]), penalty=1.0)
    tensor([[2.]])
    """
    identity = torch.eye(len(gram), dtype=gram.dtype, device=gram.device)
    factor, failed = torch.linalg.cholesky_ex(gram + penalty * identity)
    if failed:
        raise ValueError(f"expected a penalty that makes the gram invertible, found {penalty:g}")
    return torch.cholesky_solve(right, factor)


def bilinear_map(
    gram: Tensor, cross: Tensor, class_vectors: Tensor, *, feature_penalty: float, class_penalty: float
) -> Tensor:
    r"""ESZSL's map between features and class vectors.

    .. math:: V = (X^T X + \gamma I)^{-1} X^T Y A (A^T A + \lambda I)^{-1}

    X is (N, D) with one feature row for each image, A is (S, d) with one class vector per row, and Y is (N, S) with
    1 for the image's class and -1 (or 0) elsewhere, see `label_cross`; the paper writes the transposes of all three.
    The score of class k for row x is x V a_k.

    Args:
        gram: (D, D) X^T X.
        cross: (D, d) X^T Y A.
        class_vectors: (S, d) A, the vectors of the seen classes.
        feature_penalty: gamma > 0 on the features' side, in units of X^T X, a sum over rows.
        class_penalty: lambda > 0 on the class vectors' side, in units of A^T A, a sum over classes.

    Returns:
        (D, d).

    Raises:
        ValueError: a penalty is lost in rounding, see `penalised_solve`.

    Source: ESZSL (Romera-Paredes and Torr 2015), equation 4.

    >>> one = torch.ones(1, 1)
    >>> bilinear_map(one, 8 * one, one, feature_penalty=1.0, class_penalty=3.0)
    tensor([[1.]])
    """
    left = penalised_solve(gram, cross, penalty=feature_penalty)
    return penalised_solve(class_vectors.T @ class_vectors, left.T, penalty=class_penalty).T


def label_cross(cross: Tensor, total: Tensor, class_vectors: Tensor, *, negative: float) -> Tensor:
    r"""X^T Y A for labels 1 (own class) and ``negative`` (every other), without ever forming the (N, S) matrix Y.

    .. math:: X^T Y A = (1 - n) \sum_i x_i a_{y_i}^T + n \Big(\sum_i x_i\Big) \Big(\sum_c a_c\Big)^T

    Args:
        cross: (D, d) sum over rows of x_i times the class vector of its label.
        total: (D,) sum of the rows.
        class_vectors: (S, d) vectors of the seen classes.
        negative: n; -1 in ESZSL's paper, 0 in the implementation that benchmarks report.

    Returns:
        (D, d).

    >>> label_cross(torch.tensor([[5.0]]), torch.tensor([1.0]), torch.tensor([[5.0], [2.0]]), negative=-1.0)
    tensor([[3.]])
    """
    return (1 - negative) * cross + negative * torch.outer(total, class_vectors.sum(0))


def class_means(blocks: Iterable[tuple[Tensor, Tensor]], classes: int) -> Tensor:
    r"""Mean row of each class, gathered block by block.

    .. math:: m_c = \frac{1}{n_c} \sum_{i: y_i = c} x_i

    Args:
        blocks: at least one pair of rows (n, D) and labels (n,) int64 in 0..classes-1.
        classes: number of classes K.

    Returns:
        (K, D) float64; NaN for a class without rows.

    Raises:
        ValueError: no block was given.

    >>> class_means([(torch.tensor([[1.0], [3.0]]), torch.tensor([0, 0]))], 2)
    tensor([[2.],
            [nan]], dtype=torch.float64)
    """
    sums: Tensor | None = None
    counts: Tensor | None = None
    for x, labels in blocks:
        if sums is None or counts is None:
            sums = torch.zeros(classes, x.shape[1], dtype=torch.float64, device=x.device)
            counts = torch.zeros(classes, dtype=torch.int64, device=x.device)
        sums.index_add_(0, labels, x.double())
        counts += torch.bincount(labels, minlength=classes)
    if sums is None or counts is None:
        raise ValueError("class means need at least one block of rows")
    return sums / counts[:, None]


def residual_square(sums: Moments, weights: Tensor) -> Tensor:
    r"""Squared error of a linear map, from the sums alone.

    .. math:: \|X W - T\|^2 = \mathrm{tr}(W^T G W) - 2\,\mathrm{tr}(W^T C) + \|T\|^2

    Args:
        sums: sums over the rows of X and T, centred if the map has an intercept.
        weights: (P, Q) W.

    Returns:
        A scalar, summed over rows and targets.

    >>> residual_square(moments([(torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0], [4.0]]))]), torch.ones(1, 1))
    tensor(8., dtype=torch.float64)
    """
    weights = weights.double()
    return (weights * (sums.gram @ weights - 2 * sums.cross)).sum() + sums.target_square


def is_lost(fitted: Tensor, cross: Tensor, dtype: torch.dtype) -> bool:
    """Tell whether a penalty leaves nothing of a map: it has something to map, and no entry is a normal number.

    Args:
        fitted: the map.
        cross: the sums it was fitted to.
        dtype: the precision in which it is used.

    >>> is_lost(torch.tensor([1e-50], dtype=torch.float64), torch.ones(1), torch.float32)
    True
    """
    return bool(cross.any()) and bool(fitted.abs().max() < torch.finfo(dtype).tiny)
