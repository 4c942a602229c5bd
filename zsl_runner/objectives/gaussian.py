"""Diagonal Gaussians given by means and log-variances: divergence, density, sampling, reconstruction.

A log-variance may have any shape that broadcasts against its mean, so one shared by all rows is stored once, as (1, d).
"""

from __future__ import annotations

import math
from typing import Any, Final

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional as F

from zsl_runner.objectives.precision import at_least_fp32, unrounded

LEAST_LOG_VARIANCE: Final = -20.0
MOST_LOG_VARIANCE: Final = 10.0
SOFTNESS: Final = 2.0


def weighted_mean(values: Tensor, row_weights: Tensor | None = None) -> Tensor:
    r"""Average one value per row.

    .. math:: \frac{1}{B} \sum_i w_i v_i

    Args:
        values: (B,) one value per row.
        row_weights: (B,) non-negative weights whose mean is 1; None weighs all rows alike.

    Returns:
        A scalar.

    >>> weighted_mean(torch.tensor([1.0, 3.0]), torch.tensor([0.5, 1.5]))
    tensor(2.5000)
    """
    return values.mean() if row_weights is None else (row_weights * values).mean()


def bounded_log_variance(output: Tensor) -> Tensor:
    r"""Turn an output without bounds into the log-variance of a code, whose exponential stays in range.

    .. math:: \lambda(o) = \begin{cases} h + s \Big( 1 - \frac{1}{1 + (o - h) / s} \Big) & o > h \\
        o & l \le o \le h \\ l - s \Big( 1 - \frac{1}{1 + (l - o) / s} \Big) & o < l \end{cases}

    with l = -20, h = 10 and s = 2: it lies in [-22, 12]. Between l and h it is the identity to the last bit. Beyond, it
    is smooth and increasing with a slope in (0, 1] that falls with the square of the distance and not exponentially, so
    an output far outside finds its way back. A divergence from a prior of variance 1 is least at 0 and a
    reconstruction only ever asks for less, so what is bounded above are overshoots: in the first steps on features of
    large norm they make exponentials from which no optimiser recovers.

    A *prior's* log-variance enters exponentials with the opposite sign: -`bounded_log_variance`(-o).

    The slope is the square of 1 / (1 + e / s), with the excess e over the range, which is 0 within. That quotient is
    all that is kept, in place of a graph of the formula, so there is no second derivative.

    Args:
        output: of any shape.

    Returns:
        The same shape.

    >>> bounded_log_variance(torch.tensor([-1e30, -20.0, -3.0, 10.0, 12.0, 1e30]))
    tensor([-22., -20.,  -3.,  10.,  11.,  12.])
    """
    bounded: Tensor = _BoundedLogVariance.apply(output)  # type: ignore[no-untyped-call]
    return bounded


class _BoundedLogVariance(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, output: Tensor) -> Tensor:
        inside = output.clamp(LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE)
        excess = output - inside
        quotient = excess.abs().div_(SOFTNESS).add_(1).reciprocal_()
        ctx.save_for_backward(quotient)
        return torch.add(inside, torch.copysign(1 - quotient, excess), alpha=SOFTNESS)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (quotient,) = ctx.saved_tensors
        slope: Tensor = quotient.square()
        return gradient * slope


def reparameterise(mean: Tensor, log_var: Tensor, noise: Tensor) -> Tensor:
    r"""Turn standard normal noise into a sample that is differentiable in the Gaussian's parameters.

    .. math:: z = \mu + e^{\lambda/2} \epsilon

    Args:
        mean: (B, d).
        log_var: (B, d) or (1, d).
        noise: (B, d) drawn from N(0, I).

    Returns:
        (B, d).

    Source: Kingma and Welling 2014, equation 4.

    >>> reparameterise(torch.tensor([[1.0]]), torch.tensor([[4.0]]).log(), torch.tensor([[-1.0]]))
    tensor([[-1.]])
    """
    return mean + torch.exp(0.5 * log_var) * noise


def kl_divergence(mean: Tensor, log_var: Tensor, prior_mean: Tensor, prior_log_var: Tensor) -> Tensor:
    r"""Divergence of each Gaussian from its own prior, in nats, summed over dimensions.

    .. math::
        KL(q \| p) = \frac12 \sum_j \Big[ \lambda'_j - \lambda_j
        + \frac{e^{\lambda_j} + (\mu_j - \mu'_j)^2}{e^{\lambda'_j}} - 1 \Big]

    Args:
        mean: (B, d) mean of q.
        log_var: (B, d) or (1, d) log-variance of q.
        prior_mean: (B, d) mean of p.
        prior_log_var: (B, d) or (1, d) log-variance of p.

    Returns:
        (B,) values >= 0, not reduced over rows.

    Source: SGAL (Yu and Lee 2019), the second term of its bound; the closed form is textbook.

    >>> zero = torch.zeros(1, 1)
    >>> kl_divergence(zero, torch.tensor([[4.0]]).log(), zero, zero)
    tensor([0.8069])
    """
    spread = torch.exp(log_var - prior_log_var)
    distance = (mean - prior_mean).square() * torch.exp(-prior_log_var)
    return 0.5 * (prior_log_var - log_var + spread + distance - 1).sum(-1)


def squared_distances(x: Tensor, centres: Tensor, precision: Tensor) -> Tensor:
    r"""Squared distances of all rows from all centres, in units of the centres' standard deviations.

    .. math:: \Delta_{ik} = \sum_j \pi_{kj} (x_{ij} - c_{kj})^2

    Computed as three matrix products about the mean centre, so that no (B, C, d) tensor arises and little is lost to
    cancellation; autocast does not round their factors.

    Args:
        x: (B, d).
        centres: (C, d).
        precision: (C, d) or (1, d) inverse variances.

    Returns:
        (B, C).

    >>> squared_distances(torch.tensor([[0.0], [1.0]]), torch.tensor([[0.0], [3.0]]), torch.tensor([[1.0], [2.0]]))
    tensor([[ 0., 18.],
            [ 1.,  8.]])
    """
    x, centres, precision = at_least_fp32(x), at_least_fp32(centres), at_least_fp32(precision)
    with unrounded(x.device):
        origin = centres.mean(0, keepdim=True)
        x, centres = x - origin, centres - origin
        scaled = centres * precision
        own = (scaled * centres).sum(-1)
        return x.square() @ precision.expand_as(centres).T - 2 * (x @ scaled.T) + own


def kl_matrix(mean: Tensor, log_var: Tensor, prior_mean: Tensor, prior_log_var: Tensor) -> Tensor:
    r"""Divergence of every Gaussian from every prior: `kl_divergence` for all pairs.

    Args:
        mean: (B, d) means of q.
        log_var: (B, d) log-variances of q.
        prior_mean: (C, d) means of the priors.
        prior_log_var: (C, d) or (1, d) log-variances of the priors.

    Returns:
        (B, C) nats.

    Source: VZSL (Wang et al. 2018), the quantity whose minimum over classes classifies.

    >>> zero, means = torch.zeros(1, 1), torch.tensor([[0.0], [2.0]])
    >>> kl_matrix(zero, zero, means, zero)
    tensor([[0., 2.]])
    """
    log_var, prior_log_var = at_least_fp32(log_var), at_least_fp32(prior_log_var)
    precision = torch.exp(-prior_log_var)
    distances = squared_distances(mean, prior_mean, precision)
    with unrounded(mean.device):
        spread = torch.exp(log_var) @ precision.expand_as(prior_mean).T
    normaliser = (prior_log_var - 1).expand_as(prior_mean).sum(-1) - log_var.sum(-1, keepdim=True)
    return 0.5 * (distances + spread + normaliser)


def log_density_matrix(x: Tensor, mean: Tensor, log_var: Tensor) -> Tensor:
    r"""Log density of every point under every Gaussian, in nats.

    .. math:: \log N(x_i; \mu_k, e^{\lambda_k}) = -\frac12 \sum_j \Big[ \lambda_{kj}
        + \frac{(x_{ij} - \mu_{kj})^2}{e^{\lambda_{kj}}} + \log 2\pi \Big]

    Args:
        x: (B, d) points.
        mean: (C, d).
        log_var: (C, d) or (1, d).

    Returns:
        (B, C).

    Source: SGAL (Yu and Lee 2019), its classification rule without the assumption of equal variances.

    >>> log_density_matrix(torch.zeros(1, 1), torch.zeros(1, 1), torch.zeros(1, 1))
    tensor([[-0.9189]])
    """
    log_var = at_least_fp32(log_var)
    distances = squared_distances(x, mean, torch.exp(-log_var))
    return -0.5 * (distances + (log_var + math.log(2 * math.pi)).expand_as(mean).sum(-1))


def squared_error(x: Tensor, reconstruction: Tensor, row_weights: Tensor | None = None) -> Tensor:
    r"""Squared error, summed over features and averaged over rows.

    .. math:: \frac{1}{B} \sum_i w_i \sum_j (x_{ij} - \hat x_{ij})^2

    Times 1 / (2 s^2) this is the negative log-likelihood of N(x_hat, s^2 I) up to a constant; factor 1, the released
    SGAL's, is s^2 = 1/2. The *mean* over features would be D times smaller against a divergence.

    Args:
        x: (B, D) features.
        reconstruction: (B, D) decoder means.
        row_weights: (B,) non-negative weights whose mean is 1; None weighs all rows alike.

    Returns:
        A scalar.

    Source: SGAL (Yu and Lee 2019), the first term of its bound, reduced as in the released code.

    >>> squared_error(torch.ones(2, 2048), torch.zeros(2, 2048))
    tensor(2048.)
    """
    # One pass over the features each way; written out as a difference and a square it takes three and four.
    return weighted_mean(F.mse_loss(reconstruction, x, reduction="none").sum(-1), row_weights)
