from types import SimpleNamespace

import pytest
import torch

from tests.models.contract import ModelContract
from zsl_runner.data.images.folds import ImageShape
from zsl_runner.data.sources.digits.conf import DigitsImagesConf
from zsl_runner.errors import ConfigError
from zsl_runner.models.joint_vae.conf import JointVAEConf
from zsl_runner.models.joint_vae.model import JointVAE
from zsl_runner.streams import Streams

MNIST = ImageShape(1, 32, 32, 10)


def conf(**options):
    return JointVAEConf(**{"continuous": 3, "discrete": [4, 2], **options})


def build(shape=MNIST, seed=0, **options):
    return JointVAE(conf(**options), shape, Streams(seed))


def images(rows=6, shape=MNIST):
    return torch.rand(rows, shape.channels, shape.height, shape.width, generator=torch.Generator().manual_seed(1))


class TestJointVAEContract(ModelContract):
    def conf(self):
        return conf()

    @pytest.fixture
    def data(self):
        return SimpleNamespace(shape=MNIST)

    @pytest.fixture
    def batch(self, data):
        return (images(),)

    def terms(self, model, data, batch):
        posterior = model.posterior(*batch)
        code = posterior.sample(model.draw_noise(len(batch[0]), Streams(2)), 0.67, hard=False)
        return {
            "reconstruction": model.reconstruction(*batch, model.decode(code)).mean(),
            "kl": posterior.continuous_kl().sum(1).mean() + posterior.discrete_kl().sum(1).mean(),
        }

    def observe(self, model, data, batch):
        return model.decode(model.posterior(*batch).mode())


@pytest.mark.parametrize(
    ("channels", "side", "continuous", "discrete", "expected"),
    [
        (1, 32, 10, [10], 687_359),  # MNIST, FashionMNIST
        (1, 64, 6, [3], 762_704),  # dSprites
        (1, 64, 32, [2, 2, 2], 784_263),  # Chairs
        (3, 64, 32, [10], 788_365),  # CelebA
    ],
)
def test_parameter_counts_of_the_official_networks(channels, side, continuous, discrete, expected):
    shape = ImageShape(channels, side, side, 0)
    model = build(shape, continuous=continuous, discrete=discrete)
    assert sum(parameter.numel() for parameter in model.parameters()) == expected
    x = images(2, shape)
    assert model.decode(model.posterior(x).mode()).shape == x.shape


def test_default_initialisation_is_that_of_layers_of_their_own():
    """The heads side by side have the bounds of single ones: 1/sqrt of their inputs."""
    heads = build(continuous=10, discrete=[10]).encoder.heads
    assert heads.weight.abs().max().item() == pytest.approx(1 / 16, rel=1e-2)
    assert heads.weight.std().item() == pytest.approx(1 / 16 / 3**0.5, rel=0.05)


def test_evaluation_is_deterministic_and_training_repeats_with_its_seed():
    model, x = build(), images()
    first = model.eval().decode(model.posterior(x).mode())
    assert torch.equal(model.decode(model.posterior(x).mode()), first)

    def drawn(seed):
        return model.posterior(x).sample(model.draw_noise(len(x), Streams(seed)), 0.67, hard=False)

    assert torch.equal(drawn(3), drawn(3))
    assert not torch.equal(drawn(3), drawn(4))


def test_a_mode_is_the_mean_and_the_likeliest_category():
    posterior = build().posterior(images())
    code = posterior.mode()
    assert torch.equal(code[:, :3], posterior.mean)
    assert torch.equal(code[:, 3:7].argmax(1), posterior.logits[0].argmax(1))
    assert set(code[:, 3:].unique().tolist()) == {0.0, 1.0}
    assert torch.equal(code[:, 3:7].sum(1), torch.ones(6))


@pytest.mark.parametrize("hard", [False, True])
def test_samples_of_discrete_variables_are_relaxed_or_one_hot(hard):
    model = build()
    posterior = model.posterior(images(20))
    code = posterior.sample(model.draw_noise(20, Streams(0)), 0.67, hard)
    for part in (code[:, 3:7], code[:, 7:]):
        torch.testing.assert_close(part.sum(1), torch.ones(20))
        assert (part.max(1).values == 1).all().item() is hard


def test_divergences_are_additive_and_bounded():
    posterior = build().posterior(images())
    assert posterior.continuous_kl().shape == (6, 3)
    assert posterior.discrete_kl().shape == (6, 2)
    limits = torch.tensor([4.0, 2.0]).log()
    assert ((posterior.discrete_kl() >= -1e-6) & (posterior.discrete_kl() <= limits + 1e-6)).all()


def test_a_colour_image_counts_a_third_as_in_the_official_code_or_in_full():
    shape = ImageShape(3, 32, 32, 0)
    x = images(4, shape)
    official, summed = (build(shape, recon_scale=scale) for scale in ("official", "sum"))
    logits = official.decode(official.posterior(x).mode())
    expected = torch.nn.functional.binary_cross_entropy_with_logits(logits, x, reduction="none").sum((1, 2, 3))
    torch.testing.assert_close(summed.reconstruction(x, logits), expected)
    torch.testing.assert_close(official.reconstruction(x, logits), expected / 3)
    grey = images()
    outputs = torch.zeros_like(grey)
    assert torch.equal(build().reconstruction(grey, outputs), build(recon_scale="sum").reconstruction(grey, outputs))


@pytest.mark.parametrize("options", [{"continuous": 0}, {"discrete": []}])
def test_one_kind_of_variable_is_enough(options):
    model = build(**options)
    posterior = model.posterior(images())
    code = posterior.sample(model.draw_noise(6, Streams(0)), 0.67, hard=False)
    assert code.shape == posterior.mode().shape == model.prior_code(6, torch.Generator()).shape
    assert posterior.continuous_kl().sum().isfinite()
    assert posterior.discrete_kl().shape == (6, len(model.categories))


def test_prior_codes_are_standard_normal_and_uniform():
    code = build().prior_code(20_000, torch.Generator().manual_seed(0))
    assert code[:, :3].mean(0).abs().max() < 0.03
    assert code[:, :3].std(0).sub(1).abs().max() < 0.03
    torch.testing.assert_close(code[:, 3:7].mean(0), torch.full((4,), 0.25), rtol=0, atol=0.02)


@pytest.mark.parametrize(("height", "width"), [(28, 28), (32, 64), (128, 128)])
def test_a_size_the_networks_cannot_take_is_refused(height, width):
    with pytest.raises(ConfigError, match=r"32 x 32 or 64 x 64 pixels, found .*dataset.side"):
        build(ImageShape(1, height, width, 0))


def test_complaints():
    assert not list(conf().problems())
    assert [c.key for c in conf(continuous=0, discrete=[]).problems()] == ["continuous"]
    assert [c.key for c in conf(discrete=[], hard=True).problems()] == ["hard"]
    assert [c.message.count("28 x 28") for c in conf().fits(DigitsImagesConf(name="digits"))] == [1]
    assert not list(conf().fits(DigitsImagesConf(name="digits", side=64)))
    assert not conf().uses_labels()
