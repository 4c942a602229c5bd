"""Which rows of a class are kept."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def herded(features: Tensor, count: int) -> Tensor:
    r"""Return rows in an order in which the mean of the first ones follows the mean of all.

    .. math:: p_k = \arg\min_{i \notin \{p_1, \dots, p_{k-1}\}}
        \Big\| \mu - \tfrac1k \Big( f_i + \sum_{j<k} f_{p_j} \Big) \Big\|

    Args:
        features: (n, F) of one class, of unit norm in iCaRL.
        count: how many, at most n.

    Returns:
        (count,) int64 positions, all different; of equal distances the first.

    Source: Rebuffi et al. 2017 (iCaRL), algorithm 4; Welling 2009.

    >>> herded(torch.tensor([[0.0], [1.0], [4.0]]), 2).tolist()
    [1, 2]
    """
    mean = features.mean(0)
    squares, along = features.square().sum(1), features @ mean
    chosen = torch.empty(count, dtype=torch.int64, device=features.device)
    total = torch.zeros_like(mean)
    taken = torch.zeros(len(features), device=features.device)
    for k in range(1, count + 1):
        # |k mu - total - f|^2 up to what all rows have in common
        distances = squares + 2 * (features @ total) - 2 * k * along + taken
        best = distances.argmin()
        chosen[k - 1] = best
        total = total + features[best]
        taken[best] = torch.inf
    return chosen
