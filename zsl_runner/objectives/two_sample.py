"""Whether two samples come from one distribution: maximum mean discrepancy, permutations, Kolmogorov-Smirnov."""

from __future__ import annotations

import torch
from torch import Tensor

BANDWIDTHS = (0.5, 1.0, 2.0)


def mean_kernel(points: Tensor, factors: tuple[float, ...] = BANDWIDTHS) -> Tensor:
    r"""Gaussian kernels of several widths, averaged, between all pairs of points.

    .. math:: k(x, y) = \frac{1}{|F|} \sum_{f \in F} \exp\Big( -\frac{\| x - y \|^2}{2 (f m)^2} \Big)

    with m the median distance of two different points (the median heuristic; 1 where that is 0).

    Args:
        points: (N, d) both samples, one below the other, N >= 2.
        factors: the factors F.

    Returns:
        (N, N) in (0, 1], float32 or wider.

    Source: Gretton et al. 2012, sections 2 and 8.

    >>> mean_kernel(torch.tensor([[0.0], [1.0]]), (1.0,)).round(decimals=4)
    tensor([[1.0000, 0.6065],
            [0.6065, 1.0000]])
    """
    squares = torch.cdist(points, points).square()
    above = squares[tuple(torch.triu_indices(len(points), len(points), offset=1, device=points.device))]
    median = above.median()
    scale = torch.where(median > 0, median, torch.ones_like(median))
    total = torch.zeros_like(squares)
    for factor in factors:
        total += torch.exp(squares * (-0.5 / factor**2) / scale)
    return total / len(factors)


def mmd_squared(kernel: Tensor, members: Tensor) -> Tensor:
    r"""Unbiased estimates of the squared maximum mean discrepancy for several ways to divide points into two samples.

    .. math::
        \frac{1}{n(n-1)} \sum_{i \ne j} k(x_i, x_j) + \frac{1}{m(m-1)} \sum_{i \ne j} k(y_i, y_j)
        - \frac{2}{nm} \sum_{ij} k(x_i, y_j)

    Its expectation is 0 where both samples have one distribution, so an estimate may be negative.

    Args:
        kernel: (N, N) symmetric kernel of all points.
        members: (N, P) bool, which points are the first sample in each of P divisions; all of one size n,
            2 <= n <= N - 2.

    Returns:
        (P,).

    Source: Gretton et al. 2012, equation 3.

    >>> kernel = mean_kernel(torch.tensor([[0.0], [0.0], [9.0], [9.0]]), (0.1,))
    >>> mmd_squared(kernel, torch.tensor([[1, 1], [1, 0], [0, 1], [0, 0]]).bool()).round(decimals=3)
    tensor([ 2., -1.])
    """
    inside = members.to(kernel.dtype)
    first = int(members[:, 0].sum())
    second = len(kernel) - first
    sums = kernel @ inside
    diagonal = kernel.diagonal()
    within_first = (inside * sums).sum(0) - (inside * diagonal[:, None]).sum(0)
    between = sums.sum(0) - (inside * sums).sum(0)
    within_all = kernel.sum() - diagonal.sum()
    within_second = within_all - within_first - 2 * between
    own = within_first / (first * (first - 1)) + within_second / (second * (second - 1))
    return own - 2 * between / (first * second)


def random_divisions(points: int, first: int, count: int, generator: torch.Generator) -> Tensor:
    """Return (N, P) bool divisions of N points, ``first`` of them in the first sample, each drawn at random.

    Args:
        points: N.
        first: size of the first sample.
        count: P.
        generator: draws them, on the device where they are needed.
    """
    order = torch.rand(points, count, generator=generator, device=generator.device).argsort(0)
    return order < first


def permutation_p_value(observed: Tensor, permuted: Tensor) -> float:
    r"""Return the p value of a statistic beside those of random divisions.

    .. math:: \frac{1 + |\{ p : s_p \ge s \}|}{1 + P}

    Args:
        observed: scalar s.
        permuted: (P,).

    Source: Phipson and Smyth 2010; counting the observed division keeps the test exact.

    >>> permutation_p_value(torch.tensor(1.0), torch.tensor([0.0, 2.0, 0.5]))
    0.5
    """
    return (1 + int((permuted >= observed).sum())) / (1 + len(permuted))


def kolmogorov_smirnov(x: Tensor, y: Tensor) -> Tensor:
    r"""Largest difference of two empirical distribution functions, for each dimension.

    .. math:: D_j = \sup_t | F_j(t) - G_j(t) |

    Args:
        x: (n, d).
        y: (m, d).

    Returns:
        (d,) in [0, 1].

    Source: textbook.

    >>> kolmogorov_smirnov(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.5], [2.0]]))
    tensor([0.5000])
    """
    one, other = x.T.sort(1).values.contiguous(), y.T.sort(1).values.contiguous()
    places = torch.cat([one, other], 1)
    share = torch.searchsorted(one, places, right=True) / len(x)
    other_share = torch.searchsorted(other, places, right=True) / len(y)
    return (share - other_share).abs().amax(1)
