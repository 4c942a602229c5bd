"""Estimates of the conditional likelihood log p(y | x) of a model with a latent code."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def log_density(z: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    r"""Log density of each code under its own diagonal Gaussian, in nats.

    .. math:: -\frac12 \sum_j \Big[ \log 2\pi + \lambda_j + \frac{(z_j - \mu_j)^2}{e^{\lambda_j}} \Big]

    Args:
        z: (..., B, d) codes.
        mean: (B, d).
        log_var: (B, d) or (1, d).

    Returns:
        (..., B).

    Source: textbook; both densities of the importance weights.

    >>> log_density(torch.zeros(1, 1), torch.zeros(1, 1), torch.zeros(1, 1))
    tensor([-0.9189])
    """
    scaled = (z - mean).square() * torch.exp(-log_var)
    return -0.5 * (scaled + log_var + math.log(2 * math.pi)).sum(-1)


def log_mean_exp(log_weights: Tensor) -> Tensor:
    r"""Logarithm of the mean of S weights for each row: the estimate of log p(y | x).

    .. math:: \log \frac1S \sum_s e^{w_s}

    With prior samples and $w_s = \log p(y | x, z_s)$ it is the Monte Carlo estimate, with recognition samples and
    $w_s = \log p(y | x, z_s) + \log p(z_s | x) - \log q(z_s | x, y)$ the importance-sampled one. Either is unbiased for
    p and hence too small for log p on average; the bias shrinks with S.

    Args:
        log_weights: (S, B).

    Returns:
        (B,) nats.

    Source: Sohn et al. 2015, equations 9 and 10.

    >>> log_mean_exp(torch.tensor([[0.0], [0.0]]))
    tensor([0.])
    """
    return log_weights.logsumexp(0) - math.log(len(log_weights))
