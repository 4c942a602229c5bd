"""Adversarial autoencoders: variants, posteriors, who learns from what."""

import dataclasses

import pytest
import torch

from tests.models.contract import ModelContract
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.data.images.folds import UNLABELLED
from zsl_runner.data.sources.digits.conf import DigitsImagesConf
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.views import RowShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.adversarial_autoencoder.conf import AdversarialAutoencoderConf, HeadsConf
from zsl_runner.models.adversarial_autoencoder.model import AdversarialAutoencoder
from zsl_runner.objectives.adversarial import discriminator_loss
from zsl_runner.objectives.gaussian import squared_error
from zsl_runner.streams import Streams
from zsl_runner.training.optimisers import Optimisers

SHAPE = RowShape(16, 10, 10)
VARIANTS = {
    "basic": {},
    "supervised": {"labels": "decoder"},
    "label_regularised": {"labels": "discriminator", "prior": "gmm10", "latent_dim": 2},
    "semi_supervised": {"labels": "category"},
    "clustering": {"n_clusters": 16, "bn": "encoder"},
    "dim_reduction": {"labels": "category", "code": "sum"},
}


def conf(**options):
    defaults = {"name": "aae", "latent_dim": 3, "hidden": [12, 9], "discriminator_hidden": [7]}
    return AdversarialAutoencoderConf(**{**defaults, **options})


def build(seed=0, shape=SHAPE, **options):
    return AdversarialAutoencoder(conf(**options), shape, Streams(seed))


def rows(count=6):
    return torch.rand(count, 16, generator=torch.Generator().manual_seed(1))


def encoded(model, x, seed=2):
    return model.encode(x, model.posterior_noise(len(x), torch.Generator().manual_seed(seed)))


class TestSupervisedContract(ModelContract):
    """The variant that generates features of a class."""

    def conf(self):
        return conf(labels="decoder", output="linear")

    def terms(self, model, data, batch):
        """Of its trainer's losses the reconstruction, and both sides of the game."""
        x, labels, vectors, _ = batch
        codes = encoded(model, x)
        draws = model.prior.sample(len(x), torch.Generator().manual_seed(3))
        return {
            "reconstruction": squared_error(x, model.decode(codes.z, vectors[labels])),
            "game": discriminator_loss(model.judge(draws, None), 2 * model.judge(codes.z, None)),
        }

    def minimise(self, model, data, batch, steps):
        groups = model.parameter_groups()
        optimisers = Optimisers(groups, {name: OptimizerConf(lr=1e-2) for name in groups})
        losses = []
        for _ in range(steps):
            loss = sum(self.terms(model.train(), data, batch).values())
            losses.append(loss.item())
            optimisers.minimize(loss, "reconstruction", "discriminator")
        return losses

    def test_every_parameter_group_changes_alone_and_together_they_are_all_parameters(self, build, data, batch):
        """Groups share the encoder, so what a group's step must leave alone is what is not in it."""
        model = build().train()
        groups = model.parameter_groups()
        assert {id(p) for group in groups.values() for p in group} == {id(p) for p in model.parameters()}
        optimisers = Optimisers(groups, {name: OptimizerConf(lr=0.1) for name in groups})
        for name, group in groups.items():
            before = {key: value.clone() for key, value in model.named_parameters()}
            optimisers.minimize(sum(self.terms(model, data, batch).values()), name)
            own = {id(parameter) for parameter in group}
            for key, parameter in model.named_parameters():
                assert torch.equal(parameter, before[key]) == (id(parameter) not in own), (name, key)
                assert parameter.grad is None


@pytest.mark.parametrize("variant", VARIANTS)
def test_groups_of_each_variant_cover_it(variant):
    model = build(**VARIANTS[variant])
    groups = model.parameter_groups()
    assert {id(p) for group in groups.values() for p in group} == {id(p) for p in model.parameters()}
    assert ("classification" in groups) == (variant in ("semi_supervised", "dim_reduction"))
    assert (model.category_discriminator is not None) == (variant in ("semi_supervised", "clustering", "dim_reduction"))


@pytest.mark.parametrize("posterior", ["deterministic", "gaussian", "universal"])
def test_posteriors(posterior):
    model, x = build(posterior=posterior, labels="category").eval(), rows()
    first, again, other = encoded(model, x), encoded(model, x), encoded(model, x, seed=5)
    assert torch.equal(first.z, again.z)
    random = posterior != "deterministic"
    assert (not torch.equal(first.z, other.z)) == random
    # A Gaussian posterior's noise is added to z; a universal one's goes through all layers, and so into y.
    assert torch.equal(first.logits, other.logits) == (posterior != "universal")
    torch.testing.assert_close(first.y.sum(1), torch.ones(len(x)))
    torch.testing.assert_close(
        model.encoder.logits(x, model.posterior_noise(6, torch.Generator().manual_seed(2))), first.logits
    )


def test_the_gaussian_posterior_has_the_moments_of_its_heads():
    model, x = build(posterior="gaussian").eval(), rows(1)
    noise = torch.randn(100_000, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        hidden = model.encoder.trunk(x)
        mean, deviation = model.encoder.z_head(hidden)[0], (0.5 * model.encoder.log_var_head(hidden)[0]).exp()
        z = model.encode(x.expand(len(noise), -1), noise).z
    torch.testing.assert_close(z.mean(0), mean, atol=0.02, rtol=0)
    torch.testing.assert_close(z.std(0), deviation, atol=0.0, rtol=0.02)


def test_the_universal_posterior_is_no_gaussian_by_construction():
    """Its width of noise is free, and z is not affine in it."""
    model, x = build(posterior="universal", posterior_noise_dim=7).eval(), rows(1)
    assert model.encoder.noise_width == 7
    noise = torch.randn(1, 7, generator=torch.Generator().manual_seed(0))
    zero = model.encode(x, 0 * noise).z
    bend = model.encode(x, 2 * noise).z - 2 * model.encode(x, noise).z + zero
    assert bend.abs().max() > 1e-3


def test_what_the_decoder_sees():
    y = torch.eye(10)[:4]
    z = torch.randn(4, 3, generator=torch.Generator().manual_seed(0))
    assert torch.equal(build().representation(z, None), z)
    assert torch.equal(build(labels="category").representation(z, y), torch.cat([z, y], 1))
    model = build(labels="category", code="sum")
    torch.testing.assert_close(model.representation(z, y), z + model.heads[:4])
    mixed = torch.full((4, 10), 0.1)
    torch.testing.assert_close(model.representation(z, mixed), z + model.heads.mean(0))


@pytest.mark.parametrize("options", [{}, {"labels": "category"}, {"labels": "category", "code": "sum"}])
def test_a_priors_scale_is_the_unit_of_z_and_nothing_else(options):
    small, large, x = build(**options).eval(), build(prior_scale=5.0, **options).eval(), rows()
    if large.heads is not None:
        with torch.no_grad():
            large.heads.mul_(5)
    one, five = encoded(small, x), encoded(large, x)
    torch.testing.assert_close(five.z, 5 * one.z)
    torch.testing.assert_close(large.judge(five.z, None), small.judge(one.z, None))
    torch.testing.assert_close(large.decode(five.z, five.y), small.decode(one.z, one.y))


def test_soft_categories_carry_the_reconstructions_gradient():
    model, x = build(labels="category"), rows()
    codes = encoded(model, x)
    loss = squared_error(x, model.decode(codes.z, codes.y))
    assert all(g.abs().sum() > 0 for g in torch.autograd.grad(loss, list(model.encoder.y_head.parameters())))


def test_learned_heads_start_apart_and_fixed_ones_are_a_simplex():
    learned = build(labels="category", code="sum", heads=HeadsConf(eta=2.0, weight=3.0))
    assert isinstance(learned.heads, torch.nn.Parameter)
    assert any(p is learned.heads for p in learned.parameter_groups()["reconstruction"])
    assert torch.pdist(learned.heads.detach()).min() > 0.05
    penalty = learned.head_penalty()
    (gradient,) = torch.autograd.grad(penalty, learned.heads)
    assert penalty > 0
    assert gradient.abs().sum() > 0
    fixed = build(labels="category", code="sum", latent_dim=10, heads=HeadsConf(placement="simplex"))
    torch.testing.assert_close(torch.pdist(fixed.heads), torch.full((45,), 4.0))
    assert "heads" in fixed.state_dict()
    assert fixed.head_penalty() is None


def test_the_discriminator_is_told_eleven_things():
    model = build(**VARIANTS["label_regularised"])
    told = model.told(torch.tensor([3, UNLABELLED, 0]))
    assert told.shape == (3, 11)
    assert told.argmax(1).tolist() == [3, 10, 0]
    assert build().told(torch.tensor([3])) is None


def test_draws_beside_labelled_codes_are_of_the_same_part_and_others_of_all():
    model = build(**VARIANTS["label_regularised"])
    labels = torch.tensor([4] * 400 + [UNLABELLED] * 4000)
    parts = model.prior.nearest_parts(model.prior_codes(labels, torch.Generator().manual_seed(0)))
    assert (parts[:400] == 4).float().mean() > 0.95
    assert torch.bincount(parts[400:], minlength=10).min() > 300


@pytest.mark.parametrize(
    ("bn", "expected"), [("none", set()), ("encoder", {"encoder"}), ("all", {"encoder", "decoder"})]
)
def test_batch_norm_is_where_it_is_asked_for(bn, expected):
    model = build(bn=bn, labels="category")
    found = {name.partition(".")[0] for name, part in model.named_modules() if isinstance(part, torch.nn.BatchNorm1d)}
    assert found == expected
    last = [name for name, part in model.named_modules() if isinstance(part, torch.nn.BatchNorm1d) and "head" in name]
    assert len(last) == (0 if bn == "none" else 2)  # z and y


def test_outputs_and_initial_weights():
    x = rows()
    out = build().eval().decode(torch.full((1, 3), 100.0), None)
    assert out.min() >= 0
    assert out.max() <= 1
    assert build(output="linear").eval().decode(torch.full((1, 3), 100.0), None).abs().max() > 1
    model = build(hidden=[400, 400], init_deviation=0.01)
    weights = torch.cat([p.flatten() for name, p in model.named_parameters() if name.endswith("weight")])
    assert weights.std().item() == pytest.approx(0.01, rel=0.02)
    biases = torch.cat([p.flatten() for name, p in model.named_parameters() if name.endswith("bias")])
    assert biases.abs().max() == 0
    assert len(encoded(build(hidden=[]), x).z) == len(x)


def test_pythaes_size():
    """784-512, latent 16, Gaussian posterior, discriminator of 256: the parameters its default network has."""
    model = build(
        shape=RowShape(784, 10, 10), latent_dim=16, hidden=[512], discriminator_hidden=[256], posterior="gaussian"
    )
    assert sum(p.numel() for p in model.parameters()) == 833_841


COMPLAINTS = [
    ({"prior": "gmm10"}, "latent_dim"),
    ({"prior": "swiss_roll", "latent_dim": 2, "prior_scale": 5.0}, "prior_scale"),
    ({"labels": "discriminator"}, "prior"),
    ({"labels": "category", "n_clusters": 10}, "n_clusters"),
    ({"posterior_noise_dim": 3}, "posterior_noise_dim"),
    ({"true_label_in_decoder": True}, "true_label_in_decoder"),
    ({"code": "sum"}, "code"),
    ({"heads": HeadsConf(eta=1.0)}, "heads"),
    ({"n_clusters": 20, "code": "sum", "heads": HeadsConf(placement="simplex")}, "heads.placement"),
    ({"n_clusters": 2, "code": "sum", "heads": HeadsConf(placement="simplex", weight=2.0)}, "heads.weight"),
]


@pytest.mark.parametrize(("options", "key"), COMPLAINTS)
def test_contradictions_are_complained_about(options, key):
    assert [problem.key for problem in conf(**options).problems()] == [key]


@pytest.mark.parametrize("variant", VARIANTS)
def test_the_variants_have_nothing_to_complain_about(variant):
    chosen = conf(**VARIANTS[variant])
    assert list(chosen.problems()) == []
    assert list(chosen.fits(DigitsImagesConf())) == []
    assert chosen.uses_labels() == (variant not in ("basic", "clustering"))


def test_zero_shot_data_need_the_class_in_the_decoder_and_a_fitting_output():
    features = XLSA17Conf(name="cub", feature_scaling="minmax")
    assert list(conf(labels="decoder").fits(features)) == []
    assert [c.key for c in conf(labels="category").fits(features)] == ["labels"]
    unscaled = dataclasses.replace(features, feature_scaling="l2")
    assert [c.key for c in conf(labels="decoder").fits(unscaled)] == ["output"]
    assert list(conf(labels="decoder", output="linear").fits(unscaled)) == []


def test_more_classes_than_the_prior_has_parts_or_a_simplex_corners():
    with pytest.raises(ConfigError, match=r"model.prior=gmm10 has 10 parts.* 12 classes"):
        build(shape=RowShape(16, 12, 12), **VARIANTS["label_regularised"])
    with pytest.raises(ConfigError, match=r"10 heads need model.latent_dim >= 9, found 3"):
        build(labels="category", code="sum", heads=HeadsConf(placement="simplex"))
