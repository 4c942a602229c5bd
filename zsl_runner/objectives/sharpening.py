"""VZSL's transductive term: unlabelled rows learn from a sharpened copy of their own class assignments."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F


def sharpened_targets(log_assignments: Tensor) -> Tensor:
    r"""Square the assignments, divide by the classes' frequencies and normalise, in logarithms.

    .. math:: P_{ic} = \frac{Q_{ic}^2 / f_c}{\sum_k Q_{ik}^2 / f_k}, \qquad f_c = \sum_i Q_{ic}

    Args:
        log_assignments: (B, C) log Q; each row of Q sums to 1.

    Returns:
        (B, C) log P; each row of P sums to 1.

    Source: VZSL (Wang et al. 2018), which takes the form from deep embedded clustering (Xie et al. 2016), equation 3.

    >>> sharpened_targets(torch.tensor([[0.75, 0.25]]).log()).exp()
    tensor([[0.7500, 0.2500]])
    >>> sharpened_targets(torch.tensor([[0.75, 0.25], [0.25, 0.75]]).log()).exp()
    tensor([[0.9000, 0.1000],
            [0.1000, 0.9000]])
    """
    frequencies = torch.logsumexp(log_assignments, dim=0)
    return F.log_softmax(2 * log_assignments - frequencies, dim=-1)


def self_sharpening(divergences: Tensor, *, weight: float) -> Tensor:
    r"""Divergence of soft class assignments from their sharpened targets.

    .. math:: Q_{ic} = \frac{e^{-D_{ic}}}{\sum_k e^{-D_{ik}}}, \qquad
        R = \frac{w}{B} \sum_i \sum_c P_{ic} \log \frac{P_{ic}}{Q_{ic}}

    P is `sharpened_targets` of Q, taken over the rows given (a minibatch) and constant for the gradient.

    Args:
        divergences: (B, C) divergence of each unlabelled row's posterior from the prior of each unseen class.
        weight: w.

    Returns:
        A scalar >= 0.

    Source: VZSL (Wang et al. 2018), transductive setting.

    >>> self_sharpening(torch.tensor([[0.0, 0.0], [0.0, 0.0]]), weight=1.0)
    tensor(0.)
    """
    log_q = F.log_softmax(-divergences, dim=-1)
    log_p = sharpened_targets(log_q.detach())
    return weight * (log_p.exp() * (log_p - log_q)).sum(-1).mean()
