"""Estimates of the conditional log-likelihood of each row, block by block."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.data.pairs.folds import Pair
from zsl_runner.evaluation.row_draws import RowDraws
from zsl_runner.models.networks import finite
from zsl_runner.models.output_prediction import Condition, LatentOutputPredictor
from zsl_runner.objectives.conditional_likelihood import log_density
from zsl_runner.objectives.gaussian import kl_divergence, reparameterise


@dataclass(frozen=True)
class RowEstimates:
    """What was estimated of n rows.

    Attributes:
        bound: (n,) the bound on log p(y | x), averaged over the codes; None if not asked for.
        monte_carlo: (S, n) logarithms of weights of prior codes; None if not asked for.
        importance: (S, n) logarithms of importance weights of recognition codes; None if not asked for.
    """

    bound: Tensor | None
    monte_carlo: Tensor | None
    importance: Tensor | None


def estimate_rows(
    model: LatentOutputPredictor,
    pair: Pair,
    condition: Condition,
    wanted: frozenset[str],
    samples: int,
    sample_batch: int,
    draws: RowDraws,
) -> RowEstimates:
    """Estimate the likelihood of a block of rows.

    Args:
        model: in evaluation mode.
        pair: the rows.
        condition: what the model has computed from their inputs.
        wanted: some of ``elbo``, ``mc``, ``is``; ``elbo`` and ``is`` share codes.
        samples: codes S for each row.
        sample_batch: codes decoded at a time.
        draws: draws the codes.
    """
    prior = model.prior(condition)
    monte_carlo = importance = bound = None
    if "mc" in wanted:
        monte_carlo = torch.cat(
            [
                model.log_likelihood(model.generate(condition, reparameterise(*prior, noise)), pair.y, pair.valid)
                for noise in _noise(prior.mean, samples, sample_batch, draws)
            ]
        )
    if wanted & {"elbo", "is"}:
        posterior = model.posterior(pair.x, pair.y, pair.valid)
        likelihoods, weights = [], []
        for noise in _noise(posterior.mean, samples, sample_batch, draws):
            z = reparameterise(*posterior, noise)
            likelihoods.append(model.log_likelihood(model.generate(condition, z), pair.y, pair.valid))
            weights.append(log_density(z, *prior) - log_density(z, *posterior))
        likelihood = torch.cat(likelihoods)
        if "elbo" in wanted:
            bound = likelihood.mean(0) - kl_divergence(*posterior, *prior)
        if "is" in wanted:
            importance = likelihood + torch.cat(weights)
    return RowEstimates(bound, monte_carlo, importance)


def drawn_outputs(model: LatentOutputPredictor, condition: Condition, count: int, draws: RowDraws) -> Tensor:
    """Return the (count, B, ...) mean outputs of codes drawn from the prior.

    Raises:
        NonFiniteError: they are NaN or infinite.
    """
    return outputs_of(model, condition, drawn_codes(model, condition, count, draws))


def drawn_codes(model: LatentOutputPredictor, condition: Condition, count: int, draws: RowDraws) -> Tensor:
    """Return (count, B, d) codes drawn from the prior."""
    prior = model.prior(condition)
    return reparameterise(*prior, draws.normal(count, *prior.mean.shape, rows=1))


def outputs_of(model: LatentOutputPredictor, condition: Condition, codes: Tensor) -> Tensor:
    """Return the (count, B, ...) mean outputs of (count, B, d) codes.

    Raises:
        NonFiniteError: they are NaN or infinite.
    """
    return model.mean_output(finite("drawn predictions", model.generate(condition, codes)))


def _noise(like: Tensor, samples: int, batch: int, draws: RowDraws) -> Iterator[Tensor]:
    """Yield standard normal noise (s, B, d), ``samples`` codes in all; the numbers do not depend on ``batch``."""
    for first in range(0, samples, batch):
        count = min(batch, samples - first)
        yield torch.stack([draws.normal(*like.shape) for _ in range(count)])
