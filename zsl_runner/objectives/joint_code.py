"""Codes of independent continuous and categorical variables: divergence from the prior, information, relaxed samples.

A categorical variable is given by its logits, from which log-probabilities are formed stably.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.objectives.normalisation import softmax_normalised


def kl_from_standard_normal(mean: Tensor, log_var: Tensor) -> Tensor:
    r"""Divergence of each Gaussian coordinate from N(0, 1), in nats.

    .. math:: \frac12 (\mu_j^2 + e^{\lambda_j} - \lambda_j - 1)

    Args:
        mean: (B, d).
        log_var: (B, d).

    Returns:
        (B, d) values >= 0, not reduced.

    Source: Dupont 2018, KL of the continuous latents; the closed form is textbook.

    >>> kl_from_standard_normal(torch.tensor([[1.0]]), torch.tensor([[0.25]]).log())
    tensor([[0.8181]])
    """
    return 0.5 * (mean.square() + log_var.exp() - log_var - 1)


def kl_from_uniform(logits: Tensor) -> Tensor:
    r"""Divergence of each categorical distribution from the uniform one, in nats.

    .. math:: \ln n + \sum_i a_i \ln a_i, \qquad a = \mathrm{softmax}(l)

    It lies in 0..ln n. This is the divergence of the categorical variable itself, not of its relaxation.

    Args:
        logits: (B, n).

    Returns:
        (B,).

    Source: Dupont 2018, KL of the discrete latents.

    >>> kl_from_uniform(torch.tensor([[0.7, 0.2, 0.1]]).log())
    tensor([0.2968])
    """
    n = torch.full((), logits.shape[-1], dtype=logits.dtype, device=logits.device)  # copies nothing from the host
    return n.log() - categorical_entropy(F.log_softmax(logits, -1))


def categorical_entropy(log_probabilities: Tensor) -> Tensor:
    r"""Entropy of categorical distributions, in nats; an impossible category adds nothing.

    .. math:: -\sum_i a_i \ln a_i

    Args:
        log_probabilities: (..., n) logarithms, minus infinity for an impossible category.

    Returns:
        (...).

    >>> categorical_entropy(torch.tensor([0.5, 0.5, 0.0]).log())
    tensor(0.6931)
    """
    finite = log_probabilities.clamp_min(torch.finfo(log_probabilities.dtype).min)
    return -(log_probabilities.exp() * finite).sum(-1)


def mutual_information(aggregate: Tensor, mean_entropy: Tensor) -> Tensor:
    r"""Information in nats that a categorical code carries about its input.

    .. math:: I(c; x) = H\big(\tfrac1N \sum_x q(c | x)\big) - \tfrac1N \sum_x H(q(c | x))

    A divergence near ln n does not mean information: an encoder that sends every input to one category has divergence
    ln n and information 0. Of few inputs it is estimated too large.

    Args:
        aggregate: (n,) mean over inputs of the probabilities of the categories.
        mean_entropy: (): mean over inputs of the entropies.

    Returns:
        A scalar between 0 and the entropy of ``aggregate``.

    Source: textbook; docs/methods/joint_vae.md says why it is measured.

    >>> mutual_information(torch.tensor([0.5, 0.5]), torch.tensor(0.0))
    tensor(0.6931)
    """
    return categorical_entropy(aggregate.log()) - mean_entropy


def gumbel_noise(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    r"""Draw from the standard Gumbel distribution.

    .. math:: g = -\ln e, \qquad e \sim \mathrm{Exp}(1)

    The law is that of -ln(-ln u) for uniform u, without the two offsets that keep its logarithms finite.

    Args:
        shape: of the result.
        generator: where the numbers are drawn; its device is the device of the result.

    Returns:
        float32 of that shape.
    """
    drawn = torch.empty(shape, device=generator.device).exponential_(generator=generator)
    # A float32 exponential draw can round to 0, once in many millions; its logarithm would be infinite.
    return -drawn.clamp_min(torch.finfo(drawn.dtype).tiny).log()


def gumbel_softmax(logits: Tensor, noise: Tensor, temperature: Tensor | float) -> Tensor:
    r"""Turn Gumbel noise into relaxed one-hot samples that are differentiable in the logits.

    .. math:: y = \mathrm{softmax}\Big( \frac{l + g}{\tau} \Big)

    The index of the largest entry is an *exact* sample of softmax(l) at every temperature (the Gumbel-max trick); the
    relaxation is what is approximate, and the mean of y comes near softmax(l) only as the temperature goes to 0.

    Args:
        logits: (B, n); an additive constant changes nothing.
        noise: (B, n) standard Gumbel draws.
        temperature: tau > 0, a number or a scalar; a scalar may be on a device and is not looked at.

    Returns:
        (B, n) non-negative rows of sum 1.

    Raises:
        ValueError: the temperature is a number that is not positive.

    Source: Jang et al. 2017, Maddison et al. 2017; Dupont 2018 uses it at the temperature 0.67.

    >>> gumbel_softmax(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]), 1.0)
    tensor([[0.2689, 0.7311]])
    """
    if not isinstance(temperature, Tensor) and not temperature > 0:
        raise ValueError(f"the temperature must be positive, found {temperature}; 0 has no gradient")
    return softmax_normalised(logits + noise, -1, temperature)


def straight_through(soft: Tensor) -> Tensor:
    """Return the one-hot vector of the largest entry with the gradient of the relaxed sample.

    Args:
        soft: (B, n) relaxed samples.

    Returns:
        (B, n) zeros and ones.

    Source: Jang et al. 2017, the straight-through estimator.

    >>> straight_through(torch.tensor([[0.2, 0.8]]))
    tensor([[0., 1.]])
    """
    hard = F.one_hot(soft.detach().argmax(-1), soft.shape[-1]).to(soft.dtype)
    # In this order forward values are exact: the bracket is zero and not a rounding error.
    return hard + (soft - soft.detach())
