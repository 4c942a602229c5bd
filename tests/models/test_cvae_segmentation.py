"""The convolutional CVAE of label maps and its deterministic path: sizes, the two paths, routing of gradients, void."""

import dataclasses

import pytest
import torch
from torch.nn import functional as F

from tests.loaded import ours
from zsl_runner.config.check import check
from zsl_runner.data.pairs.folds import PairShape
from zsl_runner.data.sources.digit_canvas.conf import DigitCanvasConf
from zsl_runner.errors import ConfigError
from zsl_runner.models.baselines.conf import BaselineCNNConf
from zsl_runner.models.baselines.model import BaselineCNN
from zsl_runner.models.cvae_segmentation.conf import CVAESegmentationConf, EncoderConf, GenerationConf
from zsl_runner.models.cvae_segmentation.model import CVAESegmentation
from zsl_runner.models.networks import Gaussians
from zsl_runner.models.segmentation_conf import ContractingConf, ExpandingConf, LabelCNNConf, MiddleConf
from zsl_runner.models.segmentation_networks import convolution
from zsl_runner.objectives.gaussian import kl_divergence, reparameterise
from zsl_runner.objectives.multi_scale import coarse_targets, soft_cross_entropy
from zsl_runner.streams import Streams

SHAPE = PairShape((3, 16, 24), (16, 24), classes=3)
PUBLISHED = PairShape((3, 128, 128), (128, 128), classes=2)


def small(**changes):
    conf = CVAESegmentationConf(
        latent_channels=2,
        encoder=EncoderConf(channels=[5, 6], kernels=[5, 3], stride=2),
        generation=GenerationConf(channels=[6, 5, 4], kernels=[3, 3, 3], output_kernel=3),
        cnn=LabelCNNConf(
            contracting=ContractingConf(channels=[5], kernels=[5], stride=2),
            middle=MiddleConf(channels=[7], kernels=[3]),
            expanding=ExpandingConf(channels=[6, 5], kernels=[3, 3]),
            heads=[1, 3, 5],
        ),
    )
    return dataclasses.replace(conf, **changes)


def built(seed=0, **changes):
    return CVAESegmentation(small(**changes), SHAPE, Streams(seed))


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    return torch.rand(4, 3, 16, 24, generator=generator), torch.randint(3, (4, 16, 24), generator=generator)


def test_narrow_arithmetic_ends_in_single_precision(batch):
    """Sums over a thousand pixels, divergences and probabilities need it."""
    model, (x, y) = built(), batch
    with torch.autocast("cpu", dtype=torch.bfloat16):
        condition = model.condition(x)
        prior, posterior = model.prior(condition), model.posterior(x, y, None)
        logits = model.generate(condition, posterior.mean)
        terms = model.auxiliary_terms(condition, y, None)
    found = [condition.guess, *prior, *posterior, logits, model.log_likelihood(logits, y, None), *terms.values()]
    assert {tensor.dtype for tensor in found} == {torch.float32}
    torch.testing.assert_close(condition.guess, model.condition(x).guess, rtol=0.1, atol=0.1)


def size(part):
    return sum(parameter.numel() for parameter in part.parameters())


def layer(kernel, inputs, outputs):
    return kernel * kernel * inputs * outputs + outputs


def test_published_layers_have_exactly_their_parameters():
    """Sizes of the layers in the authors' scripts, for two classes, counted one by one."""
    model = CVAESegmentation(CVAESegmentationConf(), PUBLISHED, Streams(0))
    encoder = layer(9, 5, 64) + layer(5, 64, 96) + layer(3, 96, 128) + 2 * layer(3, 128, 32)
    decoder = layer(3, 32, 96) + layer(5, 96, 64) + layer(5, 64, 48) + layer(5, 48, 48) + layer(5, 48, 2)
    down = layer(9, 3, 64) + layer(5, 64, 96) + layer(3, 96, 128) + layer(3, 128, 128)
    up = layer(3, 128, 96) + layer(5, 96, 64) + layer(5, 64, 48)
    heads = layer(3, 96, 2) + layer(5, 64, 2) + layer(9, 48, 2)
    assert size(model.recognition) == size(model.prior_network) == encoder == 364_192
    assert size(model.generation) == decoder == 318_306
    assert size(model.cnn) == down + up + heads == 781_526
    assert size(model) == 1_828_216
    baseline = BaselineCNN(BaselineCNNConf(), PUBLISHED, Streams(0))
    assert size(baseline) == size(model.cnn)


def test_published_layers_have_their_scales():
    model = CVAESegmentation(CVAESegmentationConf(), PUBLISHED, Streams(0))
    sides = []
    for part in (*model.recognition.trunk, *model.cnn.contracting, *model.cnn.expanding, *model.generation.stages):
        part.register_forward_hook(lambda _, __, output: sides.append(output.shape[-1]))
    with torch.no_grad():
        x = torch.zeros(1, 3, 128, 128)
        condition = model.condition(x)
        codes = model.posterior(x, torch.zeros(1, 128, 128, dtype=torch.int64), None)
        logits = model.generate(condition, codes.mean)
    cnn, recognition, generation = sides[:9], sides[9:18], sides[18:]
    assert cnn == [64, 64, 32, 32, 32, 16, 32, 64, 128]
    assert recognition == [64, 64, 32, 32, 32, 16, 16, 16, 8]
    assert generation == [16, 32, 64, 128]
    assert model.generation.latent_shape == (32, 8, 8)
    assert codes.mean.shape == codes.log_var.shape == (1, 2048)
    assert logits.shape == (1, 2, 128, 128)
    assert [tuple(coarse.shape[1:]) for coarse in condition.scales] == [(2, 32, 32), (2, 64, 64)]


@pytest.mark.parametrize(("rectified", "deviation"), [(True, 1 / 12), (False, 1 / 12 / 2**0.5)])
def test_weights_are_hes_with_a_gain_for_the_half_that_a_relu_drops(rectified, deviation):
    """An output is a sum of 32 x 3 x 3 = 288 products: outputs vary like inputs with weights of variance 1 / 288.

    A ReLU halves the mean square, which weights of twice the variance, 1 / 144, make up for.
    """
    with Streams(0).initialising():
        layer = convolution(32, 1000, 3, rectified=rectified)
    assert layer.weight.std().item() == pytest.approx(deviation, rel=0.01)
    assert layer.weight.mean().item() == pytest.approx(0, abs=deviation / 100)
    assert layer.bias.std().item() == pytest.approx(0.01, rel=0.1)


def test_only_layers_without_a_relu_have_no_gain():
    model = CVAESegmentation(CVAESegmentationConf(), PUBLISHED, Streams(0))
    plain = [model.cnn.head, *model.cnn.coarse_heads, model.generation.head]
    plain += [
        layer for network in (model.recognition, model.prior_network) for layer in (network.mean, network.log_var)
    ]
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d):
            gain = layer.weight.std().item() * layer.weight[0].numel() ** 0.5
            assert gain == pytest.approx(1 if layer in plain else 2**0.5, rel=0.1)


def test_the_yaml_files_have_the_published_layers():
    chosen = ["dataset=digit_canvas_embedded", "evaluator=segmentation"]
    for model, trainer, conf in (
        ("cvae_segmentation", "cvae", CVAESegmentationConf()),
        ("baseline_cnn", "nn", BaselineCNNConf()),
    ):
        verdict = check(ours(), [f"model={model}", f"trainer={trainer}", *chosen])
        assert verdict.problems == ()
        assert verdict.config.model == conf


def test_logits_are_the_sum_of_both_paths(batch):
    model = built()
    condition = model.condition(batch[0])
    prior = model.prior(condition)
    torch.testing.assert_close(condition.guess, model.cnn(batch[0])[0])
    expected = condition.guess + model.generation(prior.mean)
    torch.testing.assert_close(model.predict(condition), expected)
    torch.testing.assert_close(model.mean_output(expected).sum(-3), torch.ones(4, 16, 24))


def test_many_codes_at_once_are_the_same_as_one_by_one(batch):
    model = built()
    condition = model.condition(batch[0])
    z = torch.randn(2, 5, 4, model.codes, generator=torch.Generator().manual_seed(1))
    together = model.generate(condition, z)
    assert together.shape == (2, 5, 4, 3, 16, 24)
    torch.testing.assert_close(together[1, 3], model.generate(condition, z[1, 3]))
    likelihood = model.log_likelihood(together, batch[1], None)
    assert likelihood.shape == (2, 5, 4)
    expected = -F.cross_entropy(together[1, 3], batch[1], reduction="none").sum((1, 2))
    torch.testing.assert_close(likelihood[1, 3], expected)


def test_a_code_is_a_map(batch):
    """A change of one place of the code changes logits near that place only."""
    model = built(latent_channels=2)
    z = torch.zeros(1, model.codes)
    moved = z.reshape(1, 2, 2, 3).clone()
    moved[0, 0, 0, 0] = 1.0
    change = (model.generation(moved.flatten(1)) - model.generation(z)).abs().sum((0, 1)) > 0
    assert change[0, 0]
    assert not change[:, -1].any()


def test_the_prior_sees_the_guess_scaled(batch):
    model = built(guess_scale=2.0)
    condition = model.condition(batch[0])
    expected = Gaussians(*model.prior_network(batch[0], torch.softmax(2 * condition.guess, 1)))
    torch.testing.assert_close(model.prior(condition), expected)
    moved = condition._replace(guess=condition.guess.flip(1))
    assert not torch.allclose(model.prior(moved).mean, expected.mean)
    blind = built(recurrent=False)
    condition = blind.condition(batch[0])
    assert torch.equal(blind.prior(condition._replace(guess=condition.guess + 1)).mean, blind.prior(condition).mean)


def test_a_standard_prior(batch):
    model = built(prior="standard", recurrent=False)
    prior = model.prior(model.condition(batch[0]))
    assert prior.mean.shape == (4, model.codes)
    assert not prior.mean.any()
    assert not prior.log_var.any()
    assert model.prior_network is None
    posterior = model.posterior(*batch, None)
    assert kl_divergence(*posterior, *prior).shape == (4,)


def test_void_pixels_are_as_if_absent(batch):
    model, (x, y) = built(), batch
    valid = torch.rand(y.shape, generator=torch.Generator().manual_seed(1)) < 0.5
    changed = torch.where(valid, y, (y + 1) % 3)
    for first, second in zip(model.posterior(x, y, valid), model.posterior(x, changed, valid), strict=True):
        assert torch.equal(first, second)
    assert not torch.equal(model.posterior(x, y, None).mean, model.posterior(x, changed, None).mean)
    condition = model.condition(x)
    logits = model.predict(condition)
    assert torch.equal(model.log_likelihood(logits, y, valid), model.log_likelihood(logits, changed, valid))
    terms, again = model.auxiliary_terms(condition, y, valid), model.auxiliary_terms(condition, changed, valid)
    assert {name: term.item() for name, term in terms.items()} == {name: term.item() for name, term in again.items()}


def test_terms_at_coarser_scales(batch):
    model, (x, y) = built(), batch
    condition = model.condition(x)
    terms = model.auxiliary_terms(condition, y, None)
    assert list(terms) == ["scale_1_4", "scale_1_2"]
    for logits, (name, factor) in zip(condition.scales, (("scale_1_4", 4), ("scale_1_2", 2)), strict=True):
        assert logits.shape == (4, 3, 16 // factor, 24 // factor)
        expected = soft_cross_entropy(logits, *coarse_targets(y, None, 3, factor)).sum() / 4
        torch.testing.assert_close(terms[name], expected)
    single = built(multi_scale=False)
    condition = single.condition(x)
    assert condition.scales == ()
    assert single.auxiliary_terms(condition, y, None) == {}
    assert size(model) - size(single) == layer(1, 7, 3) + layer(3, 6, 3)


def gradients(loss, part):
    found = torch.autograd.grad(loss, list(part.parameters()), retain_graph=True, allow_unused=True)
    return sum(0.0 if gradient is None else gradient.abs().sum().item() for gradient in found)


def divergence(model, batch):
    condition = model.condition(batch[0])
    return kl_divergence(*model.posterior(*batch, None), *model.prior(condition)).mean()


def test_the_divergence_moves_recognition_prior_and_through_the_guess_the_cnn(batch):
    model = built()
    loss = divergence(model, batch)
    assert gradients(loss, model.recognition) > 0
    assert gradients(loss, model.prior_network) > 0
    assert gradients(loss, model.cnn) > 0
    assert gradients(loss, model.generation) == 0


@pytest.mark.parametrize("changes", [{"detach_guess": True}, {"recurrent": False}])
def test_without_the_way_back_the_divergence_leaves_the_cnn_alone(batch, changes):
    model = built(**changes)
    loss = divergence(model, batch)
    assert gradients(loss, model.prior_network) > 0
    assert gradients(loss, model.cnn) == 0


def test_a_detached_guess_still_learns_from_the_likelihood(batch):
    model = built(detach_guess=True)
    condition = model.condition(batch[0])
    z = reparameterise(*model.prior(condition), torch.zeros(4, model.codes))
    loss = -model.log_likelihood(model.generate(condition, z), batch[1], None).mean()
    assert gradients(loss, model.cnn) > 0
    assert gradients(loss, model.prior_network) > 0  # the GSNN objective moves the prior
    assert gradients(loss, model.recognition) == 0


def test_groups_hold_every_parameter_once():
    for changes in ({}, {"prior": "standard", "recurrent": False}):
        model = built(**changes)
        groups = model.parameter_groups()
        assert list(groups) == ["generation", "recognition"]
        listed = [id(parameter) for group in groups.values() for parameter in group]
        assert sorted(listed) == sorted(id(parameter) for parameter in model.parameters())
        assert {id(parameter) for parameter in groups["recognition"]} == {
            id(parameter) for parameter in model.recognition.parameters()
        }


def test_weights_follow_the_seed_and_leave_the_global_generator_alone():
    before = torch.random.get_rng_state()
    first, again, other = built(3), built(3), built(4)
    assert torch.equal(torch.random.get_rng_state(), before)
    for left, right in zip(first.parameters(), again.parameters(), strict=True):
        assert torch.equal(left, right)
    assert not torch.equal(first.cnn.head.weight, other.cnn.head.weight)
    biases = torch.cat([value for name, value in first.named_parameters() if name.endswith("bias")])
    assert 0.005 < biases.std() < 0.015


def test_learning_one_batch(batch):
    """The bound of a few images rises far above that of independent pixels of uniform labels."""
    model, (x, y) = built(), batch
    y = y.float().unsqueeze(1)
    y = F.interpolate(F.avg_pool2d(y, 8), scale_factor=8)[:, 0].round().long()
    optimiser = torch.optim.Adam(model.parameters(), lr=1e-2)
    generator = torch.Generator().manual_seed(0)
    losses = []
    for _ in range(60):
        condition = model.condition(x)
        posterior = model.posterior(x, y, None)
        z = reparameterise(*posterior, torch.randn(4, model.codes, generator=generator))
        likelihood = model.log_likelihood(model.generate(condition, z), y, None)
        loss = (kl_divergence(*posterior, *model.prior(condition)) - likelihood).mean()
        losses.append(loss.item())
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    assert losses[-1] < 0.5 * 16 * 24 * torch.tensor(3.0).log().item()
    assert losses[-1] < 0.5 * losses[0]


def test_the_baseline_is_the_deterministic_path(batch):
    conf = small()
    baseline = BaselineCNN(BaselineCNNConf(cnn=conf.cnn), SHAPE, Streams(0))
    model = built()
    baseline.cnn.load_state_dict(model.cnn.state_dict())
    condition = baseline.condition(batch[0])
    assert torch.equal(baseline.predict(condition), model.condition(batch[0]).guess)
    assert len(condition.scales) == 2
    assert list(baseline.parameter_groups()) == ["generation"]
    assert baseline.mean_output(condition.guess).shape == (4, 3, 16, 24)
    single = BaselineCNN(BaselineCNNConf(cnn=conf.cnn, multi_scale=False), SHAPE, Streams(0))
    assert single.auxiliary_terms(single.condition(batch[0]), batch[1], None) == {}


def problems(conf):
    return {problem.key: problem.message for problem in conf.problems()}


def test_complaints():
    assert problems(CVAESegmentationConf()) == problems(small()) == {}
    assert "use recurrent=false" in problems(small(prior="standard"))["recurrent"]
    assert "no effect" in problems(small(recurrent=False, detach_guess=True))["detach_guess"]
    deep = dataclasses.replace(small().encoder, stride=1)
    assert "divides sides by 4" in problems(small(encoder=deep))["generation"]
    cnn = small().cnn
    assert problems(cnn) == {}
    assert "expected three kernels" in problems(dataclasses.replace(cnn, heads=[3]))["heads"]
    wide = dataclasses.replace(cnn.contracting, stride=1)
    assert "divides sides by 2" in problems(dataclasses.replace(cnn, contracting=wide))["expanding"]
    assert "expected 1 sides" in problems(dataclasses.replace(cnn.middle, kernels=[3, 3]))["kernels"]
    flat = dataclasses.replace(cnn, expanding=ExpandingConf([4], [3]), contracting=ContractingConf([4], [3], 1))
    assert "at least two convolutions" in problems(flat)["expanding"]


def test_a_stride_without_a_convolution_divides_nothing(batch):
    bare = dataclasses.replace(small().encoder, channels=[], kernels=[])
    assert "divides sides by 1 " in problems(small(encoder=bare))["generation"]
    assert [(idle.key, idle.why) for idle in bare.idle_options()] == [("stride", "channels=[]")]
    assert list(small().encoder.idle_options()) == []
    conf = small(encoder=bare, generation=GenerationConf(channels=[], kernels=[]))
    assert problems(conf) == {}
    model = CVAESegmentation(conf, SHAPE, Streams(0))
    assert model.predict(model.condition(batch[0])).shape == (4, 3, 16, 24)


def test_sides_that_cannot_be_halved_often_enough():
    canvases = DigitCanvasConf(source="digits", side=40)
    assert [problem.key for problem in CVAESegmentationConf().fits(canvases)] == ["encoder"]
    assert list(small().fits(canvases)) == []
    assert [problem.key for problem in BaselineCNNConf().fits(DigitCanvasConf(side=36))] == ["cnn.contracting"]
    with pytest.raises(ConfigError, match="divide sides by 8, which images of 24 x 20 pixels do not allow"):
        CVAESegmentation(small(), PairShape((3, 20, 24), (20, 24), classes=2), Streams(0))
    with pytest.raises(ConfigError, match="expected images with a label for each pixel"):
        BaselineCNN(BaselineCNNConf(), PairShape((784,), (588,)), Streams(0))
