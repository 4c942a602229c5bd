import dataclasses

import pytest
import torch
from torch.nn import functional as F

from tests.models.batches import random_batch
from tests.models.contract import ModelContract
from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.vzsl.conf import VZSLConf, VZSLMLPConf
from zsl_runner.models.vzsl.model import VZSL
from zsl_runner.objectives.gaussian import kl_divergence, kl_matrix, reparameterise
from zsl_runner.objectives.sharpening import self_sharpening
from zsl_runner.streams import Streams

SHAPE = ZeroShotShape(features=12, class_vector=5, classes=9)


def small(**changes):
    conf = VZSLConf(
        latent_dim=4,
        encoder=VZSLMLPConf(hidden=[16, 16], dropout=0.1),
        decoder=VZSLMLPConf(hidden=[16, 16], dropout=0.1),
        output_init=None,
    )
    return dataclasses.replace(conf, **changes)


class TestVZSLContract(ModelContract):
    def conf(self):
        return small(margin_weight=0.5)


class TestVZSLNearZeroStartContract(ModelContract):
    def conf(self):
        return small(output_init=1e-5)


def test_prior_is_linear_in_the_class_vector_without_bias():
    model = VZSL(small(), SHAPE, Streams(0))
    one, two = torch.rand(2, 1, 5, generator=torch.Generator().manual_seed(1))
    for part in (0, 1):
        combined = model.prior(2 * one - 3 * two)[part]
        torch.testing.assert_close(combined, 2 * model.prior(one)[part] - 3 * model.prior(two)[part])
    assert torch.equal(model.prior(torch.zeros(1, 5)).mean, torch.zeros(1, 4))


def test_networks_have_two_hidden_layers_of_a_thousand_rectified_units_by_default():
    model = VZSL(VZSLConf(), SHAPE, Streams(0))
    assert [layer.out_features for layer in model.encoder if isinstance(layer, torch.nn.Linear)] == [1000, 1000, 128]
    assert [layer.out_features for layer in model.decoder if isinstance(layer, torch.nn.Linear)] == [1000, 1000, 12]
    assert {layer.negative_slope for layer in model.encoder if isinstance(layer, torch.nn.LeakyReLU)} == {0.0}


def test_near_zero_start_concerns_prior_and_outputs_only():
    model = VZSL(VZSLConf(), SHAPE, Streams(0))
    for layer in (model.prior_network.map, model.encoder[-1], model.decoder[-1]):
        assert 0 < layer.weight.abs().max() <= 1e-5
    assert model.encoder[0].weight.abs().max() > 0.01


@pytest.mark.parametrize("classes", [6, 9], ids=["real rows", "with rows of unseen classes"])
def test_kl_and_margin_of_weight_one_are_the_cross_entropy_of_a_classifier(classes):
    quiet = VZSLMLPConf(hidden=[16], dropout=0.0)
    model = VZSL(small(encoder=quiet, decoder=quiet), SHAPE, Streams(0)).double()
    x, labels, vectors, _ = random_batch(SHAPE)
    labels[classes - 6 :: 2] += classes - 6
    labels, with_rows = labels % classes, torch.arange(classes)
    x, vectors = x.double(), vectors.double()
    terms = model.loss_terms(x, labels, vectors, with_rows)
    logits = -kl_matrix(*model.encode(x), *model.prior(vectors[with_rows]))
    torch.testing.assert_close(terms["kl"] + terms["margin"], F.cross_entropy(logits, labels), rtol=1e-6, atol=1e-6)


def test_weights_of_rows_weigh_each_term():
    quiet = VZSLMLPConf(hidden=[16], dropout=0.0)
    model = VZSL(small(encoder=quiet, decoder=quiet, margin_weight=0.5), SHAPE, Streams(0)).double()
    x, labels, vectors, seen = random_batch(SHAPE)
    x, vectors = x.double(), vectors.double()
    weights = torch.linspace(0, 2, len(x), dtype=torch.float64)
    noise = torch.randn(len(x), 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    model.noise = lambda like: noise
    posterior = model.encode(x)
    errors = (x - model.decode(reparameterise(*posterior, noise))).square().sum(1)
    own = kl_divergence(*posterior, *model.prior(vectors[labels]))
    others = torch.logsumexp(-kl_matrix(*posterior, *model.prior(vectors[seen])), 1)
    for name, term in model.loss_terms(x, labels, vectors, seen, weights).items():
        values = {"reconstruction": errors, "kl": own, "margin": 0.5 * others}[name]
        torch.testing.assert_close(term, (weights * values).mean(), msg=name)


def test_classes_are_chosen_by_the_smallest_divergence():
    model = VZSL(small(), SHAPE, Streams(0)).eval()
    x, _, vectors, _ = random_batch(SHAPE)
    posterior = model.encode(x)
    divergences = torch.stack([kl_divergence(*posterior, *model.prior(vectors[k : k + 1])) for k in range(9)], dim=1)
    torch.testing.assert_close(model.class_scores(x, vectors), -divergences, rtol=1e-4, atol=1e-4)


def test_target_terms_are_reconstruction_and_sharpening_over_unseen_classes():
    quiet = VZSLMLPConf(hidden=[16], dropout=0.0)
    model = VZSL(small(encoder=quiet, decoder=quiet, sharpening_weight=0.4), SHAPE, Streams(0)).train()
    x, _, vectors, _ = random_batch(SHAPE)
    unseen = torch.arange(6, 9)
    terms = model.target_terms(x, vectors, unseen)
    assert terms.keys() == {"reconstruction", "sharpening"}
    divergences = kl_matrix(*model.encode(x), *model.prior(vectors[unseen]))
    torch.testing.assert_close(terms["sharpening"], self_sharpening(divergences, weight=0.4))


@pytest.mark.parametrize(
    ("changes", "missing"),
    [
        ({"margin_weight": 0.0}, "margin"),
        ({"sharpening_weight": 0.0}, "sharpening"),
        ({"kl_weight": 0.0}, "kl"),
    ],
)
def test_a_weight_of_zero_leaves_the_term_out(changes, missing):
    model = VZSL(small(**changes), SHAPE, Streams(0)).train()
    x, labels, vectors, seen = random_batch(SHAPE)
    assert model.loss_terms(x, labels, vectors, seen).keys() == {"reconstruction", "kl", "margin"} - {missing}
    target_terms = model.target_terms(x, vectors, torch.arange(6, 9))
    assert target_terms.keys() == {"reconstruction", "sharpening"} - {missing}


def test_a_linear_prior_has_no_dropout_to_set():
    model = VZSL(small(), SHAPE, Streams(0))
    model.set_prior_dropout(0.0)
    with pytest.raises(ConfigError, match=r"expected 0 for a prior network without hidden layers, found 0\.3"):
        model.set_prior_dropout(0.3)
