"""Latent codes of two kinds of data brought into agreement, and weights that rise while it is learned."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.objectives.gaussian import weighted_mean


def wasserstein_distance(mean: Tensor, log_var: Tensor, other_mean: Tensor, other_log_var: Tensor) -> Tensor:
    r"""2-Wasserstein distance of each diagonal Gaussian from its counterpart.

    .. math:: W_i = \sqrt{\lVert \mu_i - \mu'_i \rVert^2 + \lVert \sigma_i - \sigma'_i \rVert^2},
        \qquad \sigma = e^{\lambda / 2}

    Where the two are equal its gradient is 0, one of its subgradients.

    Args:
        mean: (B, d).
        log_var: (B, d).
        other_mean: (B, d).
        other_log_var: (B, d).

    Returns:
        (B,) values >= 0, not reduced over rows.

    Source: CADA-VAE (Schönfeld et al. 2019), the distance of its distribution alignment, as in the released code.

    >>> zero = torch.zeros(1, 1)
    >>> wasserstein_distance(zero, zero, torch.tensor([[3.0]]), torch.tensor([[25.0]]).log())
    tensor([5.])
    """
    differences = [mean - other_mean, torch.exp(0.5 * log_var) - torch.exp(0.5 * other_log_var)]
    distances: Tensor = torch.linalg.vector_norm(torch.cat(differences, 1), dim=1)
    return distances


def absolute_error(x: Tensor, reconstruction: Tensor, row_weights: Tensor | None = None) -> Tensor:
    r"""Absolute error, summed over entries and averaged over rows.

    .. math:: \frac{1}{B} \sum_i w_i \sum_j \lvert x_{ij} - \hat x_{ij} \rvert

    Up to a constant the negative log-likelihood of Laplace distributions of scale 1.

    Args:
        x: (B, D).
        reconstruction: (B, D).
        row_weights: (B,) non-negative weights whose mean is 1; None weighs all rows alike.

    Returns:
        A scalar.

    Source: CADA-VAE (Schönfeld et al. 2019), its reconstruction and cross-alignment, reduced as in the released code
    but for the mean over rows.

    >>> absolute_error(torch.ones(2, 5), torch.zeros(2, 5))
    tensor(5.)
    """
    return weighted_mean(F.l1_loss(reconstruction, x, reduction="none").sum(-1), row_weights)


def risen(done: float, begin: float, end: float) -> float:
    r"""Return the factor, from 0 to 1, of a weight that rises linearly over a stretch of training.

    .. math:: r(t) = \min\Big(1, \max\Big(0, \frac{t - t_0}{t_1 - t_0}\Big)\Big)

    Args:
        done: t, share of training that is done.
        begin: t_0, up to which the factor is 0.
        end: t_1 > t_0, from which it is 1.

    Source: CADA-VAE (Schönfeld et al. 2019), the released code, where the shares are epochs of 100.

    >>> [round(risen(done, 0.2, 0.6), 2) for done in (0.0, 0.2, 0.3, 0.6, 1.0)]
    [0.0, 0.0, 0.25, 1.0, 1.0]
    """
    return min(1.0, max(0.0, (done - begin) / (end - begin)))
