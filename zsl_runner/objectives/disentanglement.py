"""How well single variables of a code stand for single factors of the data."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def gini_variance(categories: Tensor, count: int) -> Tensor:
    r"""Variance of a categorical variable: how often two of its draws differ.

    .. math:: \frac{1}{2 N (N - 1)} \sum_{i,j} [c_i \ne c_j] = \frac{N^2 - \sum_k N_k^2}{2 N (N - 1)}

    Args:
        categories: (..., N) int64 in 0..count-1, N >= 2.
        count: number of categories.

    Returns:
        (...) values in 0..0.5, float64.

    Source: Dupont 2018, appendix on the disentanglement metric.

    >>> gini_variance(torch.tensor([0, 0, 1, 1]), 2)
    tensor(0.3333, dtype=torch.float64)
    """
    draws = categories.shape[-1]
    sizes = F.one_hot(categories, count).sum(-2).double()
    return (draws**2 - sizes.square().sum(-1)) / (2 * draws * (draws - 1))


def least_varying(variances: Tensor, whole: Tensor, alive: Tensor) -> Tensor:
    r"""Return for each batch with one factor held fixed the code variable that varies least.

    .. math:: d^* = \arg\min_d \frac{\mathrm{Var}_{batch}(d)}{\mathrm{Var}_{data}(d)}

    Args:
        variances: (V, D) variance of each variable within each batch.
        whole: (D,) variance of each variable over the data.
        alive: (D,) bool, the variables that take part, at least one.

    Returns:
        (V,) int64.

    Source: Kim and Mnih 2018.

    >>> least_varying(torch.tensor([[0.5, 0.1, 0.0]]), torch.tensor([1.0, 0.1, 0.0]), torch.tensor([True, True, False]))
    tensor([0])
    """
    ratios = variances / whole.clamp_min(torch.finfo(whole.dtype).tiny)
    return torch.where(alive, ratios, torch.inf).argmin(-1)


def factor_vae_score(
    variables: Tensor, factors: Tensor, test_variables: Tensor, test_factors: Tensor, counts: tuple[int, int]
) -> float:
    """Accuracy of the majority vote that names the fixed factor from the least varying variable, in 0..1.

    A variable that no vote of the first set named is taken for the first factor.

    Args:
        variables: (V,) int64 least varying variables, votes the classifier is made of.
        factors: (V,) int64 fixed factors of these votes.
        test_variables: (W,) votes it is scored on.
        test_factors: (W,) their fixed factors.
        counts: number of variables and of factors.

    Source: Kim and Mnih 2018, with 800 votes and 800 for testing.

    >>> votes, fixed = torch.tensor([0, 0, 1]), torch.tensor([1, 1, 0])
    >>> factor_vae_score(votes, fixed, torch.tensor([0, 1]), torch.tensor([1, 1]), (2, 2))
    0.5
    """
    table = torch.bincount(variables * counts[1] + factors, minlength=counts[0] * counts[1]).reshape(counts)
    named = table.argmax(1)[test_variables]
    return (named == test_factors).double().mean().item()
