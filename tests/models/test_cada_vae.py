import dataclasses

import pytest
import torch

from tests.models.batches import random_batch
from tests.models.contract import ModelContract
from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.models.cada_vae.conf import CADAVAEConf, ClassDecoderConf, ClassEncoderConf, DecoderConf, EncoderConf
from zsl_runner.models.cada_vae.model import CADAVAE
from zsl_runner.objectives.gaussian import kl_divergence, reparameterise
from zsl_runner.streams import Streams

SHAPE = ZeroShotShape(features=12, class_vector=5, classes=9)


def small(**changes):
    conf = CADAVAEConf(
        latent_dim=4,
        encoder=EncoderConf(hidden=[16]),
        decoder=DecoderConf(hidden=[16]),
        class_encoder=ClassEncoderConf(hidden=[16]),
        class_decoder=ClassDecoderConf(hidden=[16]),
    )
    return dataclasses.replace(conf, **changes)


def build(**changes):
    return CADAVAE(small(**changes), SHAPE, Streams(0)).double()


def batch():
    x, labels, vectors, seen = random_batch(SHAPE)
    return x.double(), labels, vectors.double(), seen


class TestCADAVAEContract(ModelContract):
    def conf(self):
        return small()


class TestReleasedSamplingContract(ModelContract):
    def conf(self):
        return small(sampling="released", reconstruction="squared")


def test_networks_have_the_published_sizes():
    """Linear maps and biases of 2048 features and 312 attributes; mean and log-variance are one map of 2 x 64."""
    model = CADAVAE(CADAVAEConf(), ZeroShotShape(2048, 312, 200), Streams(0))
    widths = [(2048, 1560, 128), (64, 1660, 2048), (312, 1450, 128), (64, 665, 312)]
    expected = sum((a + 1) * b + (b + 1) * c for a, b, c in widths)
    assert sum(parameter.numel() for parameter in model.parameters()) == expected


def test_initial_weights_are_glorots_times_the_gain():
    plain, halved = build(init_gain=1.0), build(init_gain=0.5)
    for (name, one), two in zip(plain.named_parameters(), halved.parameters(), strict=True):
        torch.testing.assert_close(0.5 * one, two, msg=name)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("reconstruction", ["absolute", "squared"])
def test_terms_are_the_formulas(reconstruction, weighted):
    model = build(reconstruction=reconstruction, reconstruction_weight=0.7)
    x, labels, vectors, seen = batch()
    weights = torch.linspace(0, 2, len(x), dtype=torch.float64) if weighted else None
    noise = torch.randn(2, len(x), 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    drawn = iter(noise)
    model.noise = lambda like: next(drawn)
    terms = model.loss_terms(x, labels, vectors, seen, weights)

    a, zero = vectors[labels], torch.zeros(1, 4, dtype=torch.float64)
    q, p = model.encode(x), model.prior(a)
    z, w = reparameterise(*q, noise[0]), reparameterise(*p, noise[1])
    power = 1 if reconstruction == "absolute" else 2

    def error(target, decoded):
        return (target - decoded).abs().pow(power).sum(1)

    decode, decode_class = model.decoder, model.class_decoder
    spread = (q.log_var / 2).exp() - (p.log_var / 2).exp()
    expected = {
        "reconstruction": 0.7 * (error(x, decode(z)) + error(a, decode_class(w))),
        "kl": 0.25 * (kl_divergence(*q, zero, zero) + kl_divergence(*p, zero, zero)),
        "cross": 2.37 * (error(x, decode(w)) + error(a, decode_class(z))),
        "alignment": 8.13 * ((q.mean - p.mean).square().sum(1) + spread.square().sum(1)).sqrt(),
    }
    assert terms.keys() == expected.keys()
    for name, values in expected.items():
        torch.testing.assert_close(terms[name], (values if weights is None else weights * values).mean(), msg=name)


@pytest.mark.parametrize("term", ["reconstruction", "kl", "cross", "alignment"])
def test_a_weight_of_zero_leaves_the_term_out(term):
    terms = build(**{f"{term}_weight": 0.0}).loss_terms(*batch())
    assert terms.keys() == {"reconstruction", "kl", "cross", "alignment"} - {term}


def test_beside_a_fixed_prior_its_own_divergence_is_left_out():
    model, (x, labels, vectors, seen) = build(), batch()
    zero = torch.zeros(1, 4, dtype=torch.float64)
    model.noise = torch.zeros_like
    whole = model.train().loss_terms(x, labels, vectors, seen)
    model.fix_prior()
    fixed = model.loss_terms(x, labels, vectors, seen)
    code = model.prior(vectors[labels])
    assert not code.mean.requires_grad
    torch.testing.assert_close(whole["kl"] - fixed["kl"], 0.25 * kl_divergence(*code, zero, zero).mean())
    for name in ("reconstruction", "cross", "alignment"):
        torch.testing.assert_close(whole[name], fixed[name], msg=name)


def test_released_codes_take_one_number_for_a_row_and_the_variance_for_the_deviation():
    model = build(sampling="released")
    codes = model.encode(batch()[0])
    noise = torch.randn(codes.mean.shape, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
    expected = codes.mean + codes.log_var.exp() * noise[:, :1]
    torch.testing.assert_close(model.code_of(codes, noise), expected)
    assert not torch.allclose(build().code_of(codes, noise), expected)


def test_a_classifier_is_trained_on_drawn_codes_and_sees_means():
    model = CADAVAE(small(), SHAPE, Streams(0)).eval()
    x, _, vectors, _ = random_batch(SHAPE)
    with torch.no_grad():
        for codes, drawn in (
            (model.encode(x), lambda: model.training_input(x, Streams(4))),
            (model.prior(vectors), lambda: model.synthesize_input(vectors, Streams(4))),
        ):
            noise = torch.randn(codes.mean.shape, generator=Streams(4)["generate"])
            torch.testing.assert_close(drawn(), reparameterise(*codes, noise))
        assert torch.equal(model.classifier_input(x), model.encode(x).mean)


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, []),
        ({"cross_weight": 0.0}, []),
        ({"alignment_weight": 0.0}, []),
        ({"cross_weight": 0.0, "alignment_weight": 0.0}, ["alignment_weight"]),
        ({"cross_weight": 0.0, "reconstruction_weight": 0.0}, ["reconstruction_weight"]),
    ],
)
def test_weights_that_leave_something_untrained_are_refused(changes, keys):
    assert [problem.key for problem in small(**changes).problems()] == keys
