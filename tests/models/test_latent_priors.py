import pytest
import torch

from zsl_runner.models.latent_priors import PARTS, LatentPrior, sample_categories

DRAWS = 200_000
PRIORS = [
    LatentPrior("normal", 3, 5.0),
    LatentPrior("uniform", 2, 2.0),
    LatentPrior("gmm10", 2),
    LatentPrior("swiss_roll", 2),
    LatentPrior("gmm10", 2, parts=3),
    LatentPrior("swiss_roll", 2, parts=4),
]


@pytest.fixture
def generator():
    return torch.Generator().manual_seed(0)


@pytest.mark.parametrize("prior", PRIORS, ids=lambda prior: f"{prior.name}-{prior.parts}")
def test_draws_have_the_analytic_moments(prior, generator):
    draws = prior.sample(DRAWS, generator).double()
    mean, covariance = (moment.double() for moment in prior.moments())
    scale = covariance.diagonal().sqrt().max()
    torch.testing.assert_close(draws.mean(0), mean, atol=0.01 * scale.item(), rtol=0)
    torch.testing.assert_close(draws.T.cov(), covariance, atol=0.015 * scale.item() ** 2, rtol=0)


def test_a_uniform_prior_fills_its_cube(generator):
    draws = PRIORS[1].sample(DRAWS, generator)
    assert draws.abs().max() <= 2
    assert draws.abs().max() > 1.99
    assert (draws.abs() < 1).float().mean(0).tolist() == pytest.approx([0.5, 0.5], abs=0.01)


@pytest.mark.parametrize("name", ["gmm10", "swiss_roll"])
def test_draws_of_a_part_come_from_that_part(name, generator):
    prior = LatentPrior(name, 2)
    parts = torch.arange(PARTS).repeat(500)
    found = prior.nearest_parts(prior.sample_parts(parts, generator))
    # Petals overlap a little near the origin; lengths of the roll do not.
    assert (found == parts).float().mean() > (0.95 if name == "gmm10" else 0.99)


def test_the_parts_of_all_draws_are_equally_frequent(generator):
    for name in ("gmm10", "swiss_roll"):
        prior = LatentPrior(name, 2)
        counts = torch.bincount(prior.nearest_parts(prior.sample(20_000, generator)), minlength=PARTS)
        assert counts.min() > 1800
        assert counts.max() < 2200


@pytest.mark.parametrize("prior", PRIORS[4:], ids=lambda prior: prior.name)
def test_a_prior_of_fewer_parts_has_the_first_ones(prior, generator):
    whole = LatentPrior(prior.name, 2)
    counts = torch.bincount(whole.nearest_parts(prior.sample(20_000, generator)), minlength=PARTS)
    assert counts[: prior.parts].min() > 0.9 * 20_000 / prior.parts
    assert counts[prior.parts :].sum() < 0.05 * 20_000  # petals overlap a little near the origin
    assert prior.nearest_parts(whole.sample(5000, generator)).unique().tolist() == list(range(prior.parts))


def test_categories_are_one_hot_and_uniform(generator):
    draws = sample_categories(DRAWS, 16, generator)
    assert torch.equal(draws.sum(1), torch.ones(DRAWS))
    assert set(draws.unique().tolist()) == {0.0, 1.0}
    mean = draws.double().mean(0)
    torch.testing.assert_close(mean, torch.full((16,), 1 / 16, dtype=torch.float64), atol=2e-3, rtol=0)
    covariance = torch.eye(16).double() / 16 - 1 / 256
    torch.testing.assert_close(draws.double().T.cov(), covariance, atol=2e-3, rtol=0)


def test_equal_generators_equal_draws():
    for prior in PRIORS:
        first, again = (prior.sample(5, torch.Generator().manual_seed(3)) for _ in range(2))
        assert torch.equal(first, again)
    first, again = (sample_categories(50, 16, torch.Generator().manual_seed(3)) for _ in range(2))
    assert torch.equal(first, again)
