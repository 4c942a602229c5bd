import dataclasses

import pytest
import torch

from tests.models.contract import ModelContract
from tests.models.feature_gan_settings import BI_VAEGAN, F_VAEGAN, TF_VAEGAN
from tests.zero_shot import zero_shot_folds
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.feature_gan.conf import FeatureGANConf, PenaltyConf, PerturbationConf, WeightsConf
from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.models.feature_gan.networks import Critic, Encoder, Feedback, Generator, Regressor
from zsl_runner.streams import Streams

SHAPE = ZeroShotShape(features=12, class_vector=5, classes=9, radius=2.0)

# Sources: specification of the released Bi-VAEGAN code, table of parameter counts (features 2048, hidden 4096).
COUNTS = {
    85: (9_445_546, 9_091_072, 8_744_961, 8_740_949, 8_701),
    312: (12_235_376, 10_950_656, 9_674_753, 9_670_968, 31_401),
    102: (9_654_476, 9_230_336, 8_814_593, 8_810_598, 10_401),
    1024: (20_985_856, 16_783_360, 12_591_105, 12_588_032, 102_601),
}


def scores(model, data, batch):
    """Return a term that every network of the model contributes to; its losses are the trainer's."""
    x, vectors = batch[0], data.class_vectors[batch[1]]
    noise = torch.linspace(-1, 1, len(x) * model.latent).reshape(len(x), model.latent)
    terms = {"generator": model.critic(model.generate(noise, vectors, 1.0), vectors).mean()}
    if model.encoder is not None:
        code, mean, log_var = model.encode(x, vectors, noise)
        terms["reconstruction"] = (model.generate(code, vectors) - x).square().mean()
        terms["kl"] = (mean.square() - log_var).mean()
    if model.unseen_critic is not None:
        terms["unseen_generator"] = model.unseen_critic(model.generate(noise, vectors)).mean()
    if model.regressor is not None:
        regressed = model.regressor(x)
        terms["regression"] = (regressed - vectors).square().mean()
        if model.attribute_critic is not None:
            terms["attribute"] = model.attribute_critic(regressed).mean()
    return terms


class FeatureGANContract(ModelContract):
    def terms(self, model, data, batch):
        return scores(model, data, batch)


class TestBiVAEGAN(FeatureGANContract):
    def conf(self):
        return BI_VAEGAN

    @pytest.fixture
    def fold(self, records):
        return zero_shot_folds(records, feature_scaling="l2", radius=2.0, semantic_scaling="l2").cut("final")


class TestTFVAEGAN(FeatureGANContract):
    def conf(self):
        return TF_VAEGAN


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize("width", COUNTS)
def test_parameter_counts_of_the_published_networks(width):
    with torch.device("meta"):
        encoder = Encoder(2048, width, 4096, width, "batch_norm", 0.2)
        generator = Generator(width, width, 4096, 2048, "projection", 1.0, 0.2)
        critic, unseen_critic = Critic(2048, width, 4096, 0.2), Critic(2048, 0, 4096, 0.2)
        regressor, attribute_critic = Regressor(2048, 4096, width, 0.2), Critic(width, 0, 100, 0.2)
    assert COUNTS[width] == tuple(map(count, (encoder, generator, critic, regressor, attribute_critic)))
    assert count(unseen_critic) == 8_396_801


def test_tf_vaegan_has_an_encoder_and_a_feedback_network_of_its_own_shape():
    with torch.device("meta"):
        encoder, feedback = Encoder(2048, 85, 4096, 85, "two_layer", 0.2), Feedback(4096, 0.2)
    assert count(encoder) == (2133 + 1) * 4096 + (4096 + 1) * 170 + 2 * (170 + 1) * 85
    assert count(feedback) == 2 * 4097 * 4096


def test_every_network_is_a_group_and_absent_networks_are_none():
    groups = FeatureGAN(BI_VAEGAN, SHAPE, Streams(0)).parameter_groups()
    assert list(groups) == ["encoder", "generator", "critic", "unseen_critic", "regressor", "attribute_critic"]
    plain = FeatureGAN(FeatureGANConf(hidden=8), SHAPE, Streams(0))
    assert list(plain.parameter_groups()) == ["generator", "critic"]


def test_generated_rows_and_regressed_vectors_have_their_norms():
    model = FeatureGAN(BI_VAEGAN, SHAPE, Streams(0))
    x = model.synthesize(torch.rand(20, 5), Streams(1))
    torch.testing.assert_close(x.norm(dim=1), torch.full((20,), 2.0), rtol=1e-5, atol=0)
    joint = model.classifier_input(x)
    assert joint.shape == (20, 12 + 5 + 16)
    assert torch.equal(joint[:, :12], x)
    torch.testing.assert_close(joint[:, 12:17].norm(dim=1), torch.ones(20), rtol=1e-5, atol=0)
    torch.testing.assert_close(joint[:, 17:], model.regressor.units(x))


@pytest.mark.parametrize(("output", "low", "high"), [("sigmoid", 0, 1), ("relu", 0, None), ("identity", None, None)])
def test_the_output_keeps_its_range(output, low, high):
    conf = FeatureGANConf(hidden=8, output=output, init_deviation=1.0)
    x = FeatureGAN(conf, SHAPE, Streams(0)).synthesize(torch.rand(200, 5), Streams(1))
    assert (x.min().item() >= 0) == (low == 0)
    assert (x.max().item() <= 1) == (high == 1)


def test_a_projecting_generator_needs_features_on_a_sphere():
    with pytest.raises(ConfigError, match="feature_scaling=l2"):
        FeatureGAN(BI_VAEGAN, dataclasses.replace(SHAPE, radius=None), Streams(0))


@pytest.mark.parametrize("encoder", ["batch_norm", "two_layer"])
def test_weights_have_their_deviation_but_for_an_encoder_with_batch_norm(encoder):
    conf = dataclasses.replace(F_VAEGAN, hidden=256, encoder=encoder, init_deviation=0.3)
    model = FeatureGAN(conf, SHAPE, Streams(0))
    weights = {name: max(net.parameters(), key=torch.numel) for name, net in model.networks().items()}
    wide = {name: weight.std().item() == pytest.approx(0.3, rel=0.1) for name, weight in weights.items()}
    assert wide == {name: name != "encoder" or encoder != "batch_norm" for name in weights}


def test_feedback_of_no_strength_is_the_first_pass():
    model = FeatureGAN(TF_VAEGAN, SHAPE, Streams(0))
    z, vectors = torch.randn(6, 5), torch.rand(6, 5)
    assert torch.equal(model.generate(z, vectors, 0.0), model.generate(z, vectors))
    assert not torch.equal(model.generate(z, vectors, 1.0), model.generate(z, vectors))


def test_feedback_is_what_the_formula_says_and_its_first_pass_is_a_constant():
    model = FeatureGAN(dataclasses.replace(TF_VAEGAN, init_deviation=0.5), SHAPE, Streams(0))
    z, vectors = torch.randn(6, 5), torch.rand(6, 5)
    hidden = torch.nn.functional.leaky_relu(model.generator.hidden(torch.cat([z, vectors], 1)), 0.2)
    first = torch.sigmoid(model.generator.output(hidden))
    correction = model.feedback(torch.nn.functional.leaky_relu(model.regressor.hidden(first), 0.2))
    expected = torch.sigmoid(model.generator.output(hidden + 0.7 * correction))
    torch.testing.assert_close(model.generate(z, vectors, 0.7), expected)
    loss = model.generate(z, vectors, 0.7).sum()
    gradients = torch.autograd.grad(loss, list(model.regressor.parameters()), allow_unused=True)
    assert gradients == (None,) * 4


def test_batches_of_the_encoder_are_normalised_alone():
    encoder = Encoder(12, 5, 8, 3, "batch_norm", 0.2)
    x, vectors = torch.randn(20, 12), torch.rand(20, 5)
    joined = encoder(x, vectors, batches=4)
    alone = [encoder(*part) for part in zip(x.chunk(4), vectors.chunk(4), strict=True)]
    for index in range(2):
        torch.testing.assert_close(joined[index], torch.cat([part[index] for part in alone]))
    assert not torch.allclose(encoder(x, vectors)[0], joined[0])


def test_perturbation_moves_synthesis_only_if_it_is_on():
    vectors = torch.nn.functional.normalize(torch.rand(20, 5), dim=1)
    still = FeatureGAN(BI_VAEGAN, SHAPE, Streams(0))
    moved = FeatureGAN(dataclasses.replace(BI_VAEGAN, perturbation=PerturbationConf(synthesis=1.0)), SHAPE, Streams(0))
    assert not torch.equal(still.synthesize(vectors, Streams(1)), moved.synthesize(vectors, Streams(1)))


TO_THE_FEATURES_RADIUS = dataclasses.replace(BI_VAEGAN, penalty=PenaltyConf(attribute_projection="features"))
PROJECTION = {"penalty.attribute_projection"}


def keys(problems):
    return {problem.key for problem in problems}


def test_switches_without_their_network_are_complained_about():
    conf = FeatureGANConf(
        feedback_loop=True,
        attribute_critic=True,
        classifier_input="joint",
        unseen_critic="pseudo_conditional",
        encoded_noise=True,
        regressor_learns_from_generated=True,
        weights=WeightsConf(generator=0.0),
    )
    assert keys(conf.problems()) == {
        "feedback_loop",
        "attribute_critic",
        "classifier_input",
        "unseen_critic",
        "encoded_noise",
        "regressor_learns_from_generated",
        "weights.generator",
    }
    assert keys(BI_VAEGAN.problems()) == keys(TF_VAEGAN.problems()) == set()


@pytest.mark.parametrize(
    ("conf", "trained"),
    [
        (F_VAEGAN, {"generator", "reconstruction"}),
        (FeatureGANConf(output="relu", weights=WeightsConf(classification=0.01)), {"generator", "classification"}),
        (TF_VAEGAN, {"generator", "reconstruction", "feedback"}),
        (dataclasses.replace(BI_VAEGAN, encoder="none", encoded_noise=False), {"generator", "feedback"}),
    ],
)
def test_a_generator_that_no_term_trains_is_complained_about(conf, trained):
    for kept in trained:
        weights = dataclasses.replace(conf.weights, **dict.fromkeys(trained - {kept}, 0.0))
        assert keys(dataclasses.replace(conf, weights=weights).problems()) == set()
    weights = dataclasses.replace(conf.weights, **dict.fromkeys(trained, 0.0))
    assert keys(dataclasses.replace(conf, weights=weights).problems()) == {"weights.generator"}


@pytest.mark.parametrize(
    ("conf", "scaling", "vectors", "wrong"),
    [
        (BI_VAEGAN, "l2", "l2", set()),
        (BI_VAEGAN, "center_l2", "l2", set()),
        (BI_VAEGAN, "minmax", "l2", {"output"}),
        (BI_VAEGAN, "l2", "center", {"regressor"}),
        (TF_VAEGAN, "minmax", "l2", set()),
        (TF_VAEGAN, "none", "none", {"output", "regressor"}),
        (TO_THE_FEATURES_RADIUS, "center_l2", "l2", set()),
        (dataclasses.replace(TO_THE_FEATURES_RADIUS, output="identity"), "none", "l2", PROJECTION),
        (FeatureGANConf(output="relu"), "none", "center", set()),
        (FeatureGANConf(output="relu"), "standard", "center", {"output"}),
        (FeatureGANConf(output="relu"), "center_l2", "center", {"output"}),
        (FeatureGANConf(output="identity"), "center_l2_standard", "center", set()),
        (FeatureGANConf(output="relu", perturbation=PerturbationConf(synthesis=1.0)), "none", "none", {"perturbation"}),
    ],
)
def test_scalings_that_do_not_fit_are_complained_about(conf, scaling, vectors, wrong):
    assert keys(conf.fits(ToyConf(name="toy", feature_scaling=scaling, semantic_scaling=vectors))) == wrong
