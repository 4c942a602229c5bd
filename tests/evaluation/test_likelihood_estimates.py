"""Estimates of the conditional likelihood on a model whose likelihood is known: a linear Gaussian one.

z | x ~ N(0.8 x, 1) and y | x, z ~ N(1.5 z - 0.3 x, 0.5^2), so y | x ~ N(0.9 x, 1.5^2 + 0.5^2).
"""

import math

import pytest
import torch

from zsl_runner.data.pairs.folds import Pair
from zsl_runner.evaluation.likelihood.estimates import estimate_rows
from zsl_runner.evaluation.row_draws import RowDraws
from zsl_runner.models.networks import Gaussians
from zsl_runner.models.output_prediction import Condition, LatentOutputPredictor
from zsl_runner.objectives.conditional_likelihood import log_density, log_mean_exp
from zsl_runner.objectives.likelihood import gaussian_log_likelihood

X, Y, EXACT = 1.2, 2.0, -1.546364
ALL = frozenset({"elbo", "mc", "is"})


class LinearGaussian(LatentOutputPredictor):
    """The recognition network is the posterior, shifted and widened."""

    def __init__(self, shift=0.0, width=1.0):
        super().__init__()
        self.shift, self.width = shift, width

    def condition(self, x):
        return Condition(x)

    def prior(self, condition):
        return Gaussians(0.8 * condition.x, torch.zeros_like(condition.x))

    def posterior(self, x, y, valid):
        precision = 1 + 1.5**2 / 0.25
        mean = (0.8 * x + 1.5 * (y + 0.3 * x) / 0.25) / precision
        return Gaussians(mean + self.shift, torch.full_like(x, math.log(self.width**2 / precision)))

    def generate(self, condition, z):
        return 1.5 * z - 0.3 * condition.x

    def log_likelihood(self, parameters, y, valid):
        return gaussian_log_likelihood(parameters, y, valid, deviation=0.5)


def estimate(samples, repeats, shift=0.1, width=1.3, seed=0, sample_batch=1000):
    x = torch.full((repeats, 1), X, dtype=torch.float64)
    pair = Pair(x, torch.full_like(x, Y))
    model = LinearGaussian(shift, width)
    generator = torch.Generator().manual_seed(seed)
    return estimate_rows(model, pair, model.condition(x), ALL, samples, sample_batch, RowDraws(generator))


def test_the_exact_value_and_posterior():
    assert -0.5 * ((Y - 0.9 * X) ** 2 / 2.5 + math.log(2 * math.pi * 2.5)) == pytest.approx(EXACT, abs=1e-6)
    one = torch.ones(1, 1, dtype=torch.float64)
    posterior = LinearGaussian().posterior(X * one, Y * one, None)
    assert posterior.mean.item() == pytest.approx(1.512, abs=1e-9)
    assert posterior.log_var.exp().sqrt().item() == pytest.approx(0.316228, abs=1e-6)


@pytest.mark.parametrize("estimator", ["monte_carlo", "importance"])
def test_many_codes_give_the_exact_value(estimator):
    found = log_mean_exp(getattr(estimate(10_000, 200), estimator))
    assert abs(found.mean().item() - EXACT) < 3 * found.std().item() / 200**0.5 + 1e-4


@pytest.mark.parametrize("samples", [1, 10, 100])
def test_importance_sampling_spreads_less_and_few_codes_are_too_pessimistic(samples):
    found = estimate(samples, 2000)
    monte_carlo, importance = log_mean_exp(found.monte_carlo), log_mean_exp(found.importance)
    assert importance.std() < monte_carlo.std()
    for values in (monte_carlo, importance):
        assert values.mean().item() < EXACT + 3 * values.std().item() / 2000**0.5


def test_spreads_are_those_of_the_specification():
    found = estimate(100, 2000)
    assert log_mean_exp(found.monte_carlo).std().item() == pytest.approx(0.132, rel=0.1)
    assert log_mean_exp(found.importance).std().item() == pytest.approx(0.037, rel=0.1)


def test_the_exact_posterior_leaves_no_variance():
    found = log_mean_exp(estimate(1, 500, shift=0.0, width=1.0).importance)
    torch.testing.assert_close(found, torch.full_like(found, EXACT), rtol=0, atol=2e-6)


def test_one_importance_sampled_code_is_the_bound_on_average():
    found = estimate(1, 20_000)
    weights = found.importance[0]
    spread = weights.std().item() / 20_000**0.5
    assert abs(weights.mean().item() - found.bound.mean().item()) < 4 * spread + 4 * found.bound.std().item() / 141
    assert found.bound.mean() < EXACT


@pytest.mark.parametrize("samples", [1, 40])
def test_the_bound_lies_below_by_the_divergence_from_the_exact_posterior_however_many_codes(samples):
    shift, width, deviation = 0.1, 1.3, 0.1**0.5
    bound = estimate(samples, 4000 // samples, shift, width).bound
    divergence = 0.5 * (width**2 + (shift / deviation) ** 2 - 1) - math.log(width)
    assert abs(bound.mean().item() - (EXACT - divergence)) < 4 * bound.std().item() / len(bound) ** 0.5


def test_codes_do_not_depend_on_how_many_are_decoded_at_a_time():
    whole, parts = estimate(7, 3, sample_batch=7), estimate(7, 3, sample_batch=2)
    for name in ("bound", "monte_carlo", "importance"):
        torch.testing.assert_close(getattr(whole, name), getattr(parts, name), rtol=1e-12, atol=1e-12)


def test_only_what_is_wanted_is_estimated():
    x = torch.ones(2, 1)
    model, generator = LinearGaussian(), torch.Generator().manual_seed(0)
    found = estimate_rows(model, Pair(x, x), model.condition(x), frozenset({"mc"}), 3, 2, RowDraws(generator))
    assert found.bound is None
    assert found.importance is None
    assert found.monte_carlo.shape == (3, 2)


def test_log_density_agrees_with_torch():
    generator = torch.Generator().manual_seed(0)
    z, mean, log_var = (torch.randn(s, generator=generator) for s in ((5, 3, 4), (3, 4), (3, 4)))
    expected = torch.distributions.Normal(mean, (0.5 * log_var).exp()).log_prob(z).sum(-1)
    torch.testing.assert_close(log_density(z, mean, log_var), expected)


def test_log_mean_exp_of_far_weights_does_not_overflow():
    assert log_mean_exp(torch.tensor([[1e4], [1e4], [-1e4]])).item() == pytest.approx(1e4 + math.log(2 / 3))
