import dataclasses

import pytest
import torch

from tests.models.contract import ModelContract
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.data.pairs.folds import PairShape
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.models.baselines.conf import BaselineNNConf
from zsl_runner.models.baselines.model import BaselineNN
from zsl_runner.models.cvae.conf import CVAEConf
from zsl_runner.models.cvae.model import CVAE
from zsl_runner.objectives.gaussian import kl_divergence, reparameterise
from zsl_runner.streams import Streams
from zsl_runner.training.optimisers import Optimisers

QUADRANT = PairShape(x=(784,), y=(588,), unit_interval=True)
SMALL = PairShape(x=(6,), y=(4,), unit_interval=True)


def conf(**options):
    return CVAEConf(**{"name": "cvae", "latent_dim": 3, "hidden": [8, 7], **options})


def build(shape=SMALL, **options):
    return CVAE(conf(**options), shape, Streams(0))


def batch(rows=5):
    generator = torch.Generator().manual_seed(1)
    return torch.rand(rows, 6, generator=generator), torch.rand(rows, 4, generator=generator)


class TestCVAEAsGenerator(ModelContract):
    def conf(self):
        return conf(prior="standard", recurrent=False)

    def terms(self, model, data, batch):
        x, y = data.class_vectors[batch[1]], batch[0]
        condition = model.condition(x)
        posterior = model.posterior(x, y, None)
        z = reparameterise(*posterior, torch.ones_like(posterior.mean))
        likelihood = model.log_likelihood(model.generate(condition, z), y, None)
        return {
            "reconstruction": -likelihood.mean(),
            "kl": kl_divergence(*posterior, *model.prior(condition)).mean(),
        }


class TestCVAEWithEverything(TestCVAEAsGenerator):
    def conf(self):
        return conf(dropout=0.2, guess_weight=0.1)

    def terms(self, model, data, batch):
        guess = model.auxiliary_terms(model.condition(data.class_vectors[batch[1]]), batch[0], None)
        return super().terms(model, data, batch) | guess


class TestBaselineNN(ModelContract):
    def conf(self):
        return BaselineNNConf(name="baseline_nn", hidden=[8])

    def terms(self, model, data, batch):
        condition = model.condition(data.class_vectors[batch[1]])
        return {"likelihood": -model.log_likelihood(model.predict(condition), batch[0], None).mean()}

    def observe(self, model, data, batch):
        return model.predict(model.condition(data.class_vectors))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        # recognition 784+588 -> 1000 -> 1000 -> 400, prior the same, guess 784 -> 1000 -> 1000 -> 588,
        # generation 200 (+784) -> 1000 -> 1000 -> 588
        ({}, 2 * (1_373_000 + 1_001_000 + 400_400) + (785_000 + 1_001_000 + 588_588) + (985_000 + 1_001_000 + 588_588)),
        ({"gen_sees_x": False, "recurrent": False, "prior": "conditional"}, 2_774_400 + 2_186_400 + 1_790_588),
    ],
)
def test_parameter_counts(options, expected):
    model = CVAE(CVAEConf(name="cvae", **options), QUADRANT, Streams(0))
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


def test_baseline_parameter_count():
    model = BaselineNN(BaselineNNConf(name="nn"), QUADRANT, Streams(0))
    assert sum(parameter.numel() for parameter in model.parameters()) == 785_000 + 1_001_000 + 588_588


def test_a_generation_network_that_sees_the_input_is_a_perceptron_of_both():
    model = build()
    x, _ = batch()
    z = torch.randn(5, 3, generator=torch.Generator().manual_seed(2))
    network = model.generation
    weight = torch.cat([network.of_code.weight, network.of_condition.weight], dim=1)
    hidden = torch.cat([z, x], 1) @ weight.T + network.of_code.bias
    expected = network.rest(hidden) + model.condition(x).guess
    torch.testing.assert_close(model.generate(model.condition(x), z), expected)


def test_many_codes_give_what_each_gives_alone():
    model = build()
    x, y = batch()
    z = torch.randn(4, 5, 3, generator=torch.Generator().manual_seed(2))
    condition = model.condition(x)
    together = model.generate(condition, z)
    for number in range(4):
        torch.testing.assert_close(together[number], model.generate(condition, z[number]))
    assert model.log_likelihood(together, y, None).shape == (4, 5)


def gradient_of_guess(term, model):
    gradients = torch.autograd.grad(term, list(model.guess.parameters()), allow_unused=True, retain_graph=True)
    return sum(float(g.abs().sum()) for g in gradients if g is not None)


def test_gradients_reach_the_guess_through_the_prior_unless_it_is_detached():
    x, y = batch()
    for detach in (False, True):
        model = build(detach_guess=detach)
        condition = model.condition(x)
        divergence = kl_divergence(*model.posterior(x, y, None), *model.prior(condition)).mean()
        assert (gradient_of_guess(divergence, model) > 0) == (not detach)
        likelihood = model.log_likelihood(model.generate(condition, torch.zeros(5, 3)), y, None).mean()
        assert gradient_of_guess(likelihood, model) > 0


def test_the_divergence_moves_recognition_and_prior_against_each_other():
    model = build()
    x, y = batch()
    posterior, prior = model.posterior(x, y, None), model.prior(model.condition(x))
    divergence = kl_divergence(*posterior, *prior).sum()
    for_prior, for_posterior = torch.autograd.grad(divergence, [prior.mean, posterior.mean])
    expected = (posterior.mean - prior.mean) * torch.exp(-prior.log_var)
    torch.testing.assert_close(for_posterior, expected)
    torch.testing.assert_close(for_prior, -expected)


def test_the_guess_enters_the_prior_and_not_the_recognition_network():
    model = build()
    x, y = batch()
    condition = model.condition(x)
    other = condition._replace(guess=condition.guess + 1)
    assert not torch.equal(model.prior(condition).mean, model.prior(other).mean)
    assert model.recognition[0].in_features == 6 + 4
    standard = build(prior="standard").prior(condition)
    assert (standard.mean == 0).all()
    assert (standard.log_var == 0).all()
    assert model.posterior(x, y, None).mean.shape == (5, 3)


def test_guess_and_generation_are_added_as_logits():
    model, alone = build(), build(add_guess=False, guess_weight=1.0)
    x, _ = batch()
    condition = model.condition(x)
    z = torch.zeros(5, 3)
    torch.testing.assert_close(model.generate(condition, z), alone.generate(condition, z) + condition.guess)


def test_entries_that_are_not_valid_do_not_reach_the_recognition_network():
    model = build()
    x, y = batch()
    valid = torch.tensor([True, False, True, True]).expand(5, 4)
    changed = torch.where(valid, y, y + 1)
    assert torch.equal(model.posterior(x, y, valid).mean, model.posterior(x, changed, valid).mean)
    assert not torch.equal(model.posterior(x, y, None).mean, model.posterior(x, changed, None).mean)


def test_outputs_are_bernoulli_only_where_they_lie_in_the_unit_interval():
    assert build().distribution.bernoulli
    assert not build(likelihood="gaussian").distribution.bernoulli
    assert not build(PairShape(x=(6,), y=(4,))).distribution.bernoulli


def test_a_linear_relation_is_learned(records):
    """On data whose output is a known function of the input, generated outputs come close to it."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(256, 6, generator=generator)
    y = x @ torch.randn(6, 4, generator=generator) / 6**0.5
    model = build(PairShape(x=(6,), y=(4,)), recurrent=False, prior="standard", hidden=[32], deviation=0.3)
    groups = model.parameter_groups()
    optimisers = Optimisers(groups, {name: OptimizerConf(lr=1e-2) for name in groups})
    for _ in range(300):
        posterior = model.posterior(x, y, None)
        z = reparameterise(*posterior, torch.randn(256, 3, generator=generator))
        condition = model.condition(x)
        bound = model.log_likelihood(model.generate(condition, z), y, None)
        optimisers.minimize((kl_divergence(*posterior, *model.prior(condition)) - bound).mean(), *groups)
    error = (model.synthesize(x, Streams(1)) - y).square().mean() / y.var()
    assert error < 0.1


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"recurrent": False, "detach_guess": True}, "detach_guess"),
        ({"recurrent": False, "guess_weight": 1.0}, "guess_weight"),
        ({"prior": "standard", "detach_guess": True}, "detach_guess"),
        ({"detach_guess": True, "add_guess": False}, "recurrent"),
        ({"prior": "standard", "gen_sees_x": False, "recurrent": False}, "gen_sees_x"),
    ],
)
def test_options_without_effect_are_complained_about(options, key):
    assert key in {problem.key for problem in conf(**options).problems()}
    assert not list(conf().problems())


def test_it_fits_pairs_and_zero_shot_data_and_bernoulli_only_scaled_features():
    features = XLSA17Conf(name="cub", root="x", feature_scaling="center_l2")
    assert not list(conf().fits(features))
    (problem,) = conf(likelihood="bernoulli").fits(features)
    assert problem.key == "likelihood"
    assert not list(conf(likelihood="bernoulli").fits(dataclasses.replace(features, feature_scaling="minmax")))
