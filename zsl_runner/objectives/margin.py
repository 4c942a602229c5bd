"""Two regularisers that share the name margin: between priors (SGAL), and of a posterior against priors (VZSL)."""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from zsl_runner.objectives.gaussian import weighted_mean
from zsl_runner.objectives.precision import at_least_fp32, unrounded

GAPS_AT_ONCE: Final = 2**26
"""Differences of means that are there at a time, a quarter of a GB; 5,000 classes of 64 dimensions have 1.6e9."""


def prior_separation(
    mean: Tensor, log_var: Tensor, labels: Tensor | None = None, *, weight: float, per_dim: float
) -> Tensor:
    r"""Squared hinge on the distances between class priors.

    .. math::
        \Delta_{ij} = \sum_{l=1}^d \frac{|\mu_{il} - \mu_{jl}|}{e^{\lambda_{il}/2}}, \qquad
        R = \frac{w}{R_{rows}} \sum_i \sum_j \max(0, m - \Delta_{ij})^2, \qquad m = per\_dim \cdot d

    The distance is in standard deviations of the *row* class, so it is symmetric only if all classes share a variance.
    The sum runs over ordered pairs and is divided by the number of rows, not of pairs. Which rows are given decides
    between three uses:

    * rows of a minibatch without ``labels``: all pairs count, also (i, i) and pairs of one class: the released SGAL
      code. Such pairs keep the term from reaching 0, and push two rows of one class apart if their means differ
      (dropout in the prior network);
    * rows of a minibatch with ``labels``: only pairs of different classes;
    * one row for each class with its class as label: every class counts once.

    Args:
        mean: (R, d) prior means.
        log_var: (R, d) prior log-variances; (1, d) if all rows share them, which is several times faster.
        labels: (R,) class of each row; pairs of equal labels are left out. None leaves out nothing.
        weight: w; the released code has 0.1.
        per_dim: wanted distance in standard deviations for each dimension; the released code has 2.

    Returns:
        A scalar >= 0; 0 for pairs that are at least m apart.

    Source: the loss of the code released with SGAL (Yu and Lee 2019); the paper's regulariser of the priors.

    >>> means = torch.tensor([[0.0, 0.0], [1.0, 2.0]])
    >>> prior_separation(means, torch.zeros(1, 2), torch.tensor([4, 7]), weight=0.1, per_dim=2.0)
    tensor(0.1000)
    """
    mean, log_var = at_least_fp32(mean), at_least_fp32(log_var)
    rows, wanted = len(mean), per_dim * mean.shape[-1]
    if len(log_var) == 1:
        distances = torch.pdist(mean * torch.exp(-0.5 * log_var), p=1)
        hinge = torch.relu(wanted - distances).square()
        if labels is None:
            total = 2 * hinge.sum() + rows * wanted**2
        else:
            first, second = torch.triu_indices(rows, rows, offset=1, device=mean.device)
            total = 2 * (hinge * (labels[first] != labels[second])).sum()
    else:
        block = max(1, GAPS_AT_ONCE // max(1, mean.numel()))
        if block >= rows:
            total = _hinges(mean, log_var, labels, mean, labels, wanted)
        else:  # the gaps of a block are computed again for its gradient
            hinges: list[Tensor] = []
            for first in range(0, rows, block):
                some = slice(first, first + block)
                of_rows = mean[some], log_var[some], None if labels is None else labels[some]
                hinges.append(
                    checkpoint(_hinges, *of_rows, mean, labels, wanted, use_reentrant=False, preserve_rng_state=False)
                )
            total = torch.stack(hinges).sum()
    return weight * total / rows


def _hinges(
    mean: Tensor, log_var: Tensor, labels: Tensor | None, others: Tensor, their_labels: Tensor | None, wanted: float
) -> Tensor:
    """Return the sum of squared hinges of some rows, with their own variances, against all rows."""
    gaps = (mean[:, None] - others[None]).abs()
    with unrounded(mean.device):
        distances = torch.einsum("ijl,il->ij", gaps, torch.exp(-0.5 * log_var))
    hinge = torch.relu(wanted - distances).square()
    if labels is not None and their_labels is not None:
        hinge = hinge * (labels[:, None] != their_labels[None])
    return hinge.sum()


def soft_minimum(divergences: Tensor) -> Tensor:
    r"""Soft minimum of each row's divergences over classes.

    .. math:: \tilde R_i = -\log \sum_c e^{-D_{ic}}, \qquad \min_c D_{ic} - \log C \le \tilde R_i \le \min_c D_{ic}

    Args:
        divergences: (B, C) nats.

    Returns:
        (B,) nats.

    Source: VZSL (Wang et al. 2018), the smooth form of its margin regulariser.

    >>> soft_minimum(torch.tensor([[0.0, 0.0], [1.0, 50.0]]))
    tensor([-0.6931,  1.0000])
    """
    return -torch.logsumexp(-divergences, dim=-1)


def posterior_margin(divergences: Tensor, row_weights: Tensor | None = None, *, weight: float) -> Tensor:
    r"""Push posteriors away from the priors of all classes, as a term of a *minimised* loss.

    .. math:: -w \frac{1}{B} \sum_i \tilde R_i = \frac{w}{B} \sum_i \log \sum_c e^{-KL(q_i \| p_c)}

    With w = 1 and the true class among the C, the own divergence plus this term is the cross-entropy of a classifier
    whose logits are the negative divergences.

    Args:
        divergences: (B, C) divergence of each posterior from the prior of each class with rows, the true one included.
        row_weights: (B,) non-negative weights whose mean is 1; None weighs all rows alike.
        weight: w, VZSL's lambda.

    Returns:
        A scalar of either sign.

    Source: VZSL (Wang et al. 2018), whose objective adds lambda times the soft minimum to a maximised bound.

    >>> posterior_margin(torch.tensor([[0.0, 0.0]]), weight=1.0)
    tensor(0.6931)
    """
    return -weight * weighted_mean(soft_minimum(divergences), row_weights)
