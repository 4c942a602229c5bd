import math

import pytest
import torch
from scipy.stats import chisquare
from torch.nn import functional as F

from tests.draws import generator
from zsl_runner.objectives.joint_code import (
    categorical_entropy,
    gumbel_noise,
    gumbel_softmax,
    kl_from_standard_normal,
    kl_from_uniform,
    mutual_information,
    straight_through,
)

A = torch.tensor([0.1, 0.2, 0.3, 0.4])


def doubles(*shape, seed=0):
    return torch.randn(shape, generator=generator(seed), dtype=torch.float64)


def test_known_divergences():
    assert kl_from_uniform(torch.tensor([[0.7, 0.2, 0.1]]).double().log()).item() == pytest.approx(0.296794, abs=1e-6)
    assert kl_from_uniform(torch.zeros(1, 7)).item() == pytest.approx(0.0, abs=1e-6)
    narrow = kl_from_standard_normal(torch.ones(1, 1).double(), torch.full((1, 1), 0.25).double().log())
    assert narrow.item() == pytest.approx(0.818147, abs=1e-6)
    assert kl_from_standard_normal(torch.zeros(2, 3), torch.zeros(2, 3)).abs().max() == 0


@pytest.mark.parametrize("distance", [100.0, 1e4, math.inf])
def test_a_certain_category_costs_ln_n(distance):
    logits = torch.tensor([[0.0, -distance, -distance]])
    assert kl_from_uniform(logits).item() == pytest.approx(math.log(3), abs=1e-6)


def test_divergences_equal_those_of_torch():
    mean, log_var, logits = doubles(5, 3), doubles(5, 3, seed=1), doubles(5, 4, seed=2)
    normal = torch.distributions.Normal(mean, (0.5 * log_var).exp())
    unit = torch.distributions.Normal(torch.zeros(()).double(), torch.ones(()).double())
    expected = torch.distributions.kl_divergence(normal, unit)
    torch.testing.assert_close(kl_from_standard_normal(mean, log_var), expected)
    categorical, uniform = (torch.distributions.Categorical(logits=v) for v in (logits, torch.zeros_like(logits)))
    torch.testing.assert_close(kl_from_uniform(logits), torch.distributions.kl_divergence(categorical, uniform))
    torch.testing.assert_close(categorical_entropy(F.log_softmax(logits, 1)), categorical.entropy())


def test_gradients():
    mean, log_var, logits = (doubles(3, 4, seed=seed).requires_grad_() for seed in range(3))
    assert torch.autograd.gradcheck(kl_from_standard_normal, (mean, log_var))
    assert torch.autograd.gradcheck(kl_from_uniform, (logits,))
    noise = doubles(3, 4, seed=5)
    assert torch.autograd.gradcheck(lambda values: gumbel_softmax(values, noise, 0.67), (logits,))


def test_information_is_the_entropy_of_a_certain_code_and_nothing_for_one_category_or_for_guesses():
    certain = torch.eye(4)
    assert mutual_information(certain.mean(0), torch.zeros(())).item() == pytest.approx(math.log(4))
    one = torch.tensor([1.0, 0.0, 0.0, 0.0])
    assert mutual_information(one, torch.zeros(())).item() == 0
    uniform = torch.full((4,), 0.25)
    assert mutual_information(uniform, categorical_entropy(uniform.log())).item() == pytest.approx(0, abs=1e-6)


def test_divergence_is_information_and_what_the_usage_lacks():
    """Mean KL = I(c; x) + ln n - H(usage): a divergence of ln n can be all lack."""
    logs = F.log_softmax(3 * doubles(50, 6), 1)
    aggregate, entropy = logs.exp().mean(0), categorical_entropy(logs).mean()
    parts = mutual_information(aggregate, entropy) + math.log(6) - categorical_entropy(aggregate.log())
    torch.testing.assert_close(kl_from_uniform(logs).mean(), parts)


def test_gumbel_noise_has_its_law():
    noise = gumbel_noise((200_000,), generator())
    assert noise.isfinite().all()
    assert noise.mean().item() == pytest.approx(0.5772, abs=0.01)
    assert noise.var().item() == pytest.approx(math.pi**2 / 6, abs=0.03)
    assert (noise < 0.5).float().mean().item() == pytest.approx(math.exp(-math.exp(-0.5)), abs=0.005)


TABLE = [
    (0.01, (0.100, 0.201, 0.300, 0.400), 0.995),
    (0.1, (0.100, 0.201, 0.300, 0.399), 0.952),
    (0.5, (0.110, 0.208, 0.298, 0.383), 0.772),
    (0.67, (0.118, 0.212, 0.297, 0.374), 0.709),
    (1.0, (0.133, 0.220, 0.292, 0.355), 0.613),
    (2.0, (0.170, 0.233, 0.279, 0.317), 0.456),
    (10.0, (0.231, 0.247, 0.257, 0.265), 0.289),
]


@pytest.mark.parametrize(("temperature", "means", "largest"), TABLE)
def test_relaxed_samples_of_four_categories(temperature, means, largest):
    """The index of the largest entry is exact at every temperature; the mean of the sample is not."""
    draws = 400_000
    y = gumbel_softmax(A.log().expand(draws, 4), gumbel_noise((draws, 4), generator(3)), temperature)
    counts = torch.bincount(y.argmax(1), minlength=4)
    assert chisquare(counts.numpy(), (draws * A.double() / A.double().sum()).numpy()).pvalue > 0.001
    torch.testing.assert_close(y.double().mean(0).float(), torch.tensor(means), rtol=0, atol=0.0025)
    assert y.max(1).values.double().mean().item() == pytest.approx(largest, abs=0.0025)


def test_a_constant_in_the_logits_changes_nothing():
    noise = gumbel_noise((6, 4), generator())
    torch.testing.assert_close(gumbel_softmax(A.log() + 7, noise, 0.5), gumbel_softmax(A.log(), noise, 0.5))


def test_gradients_are_finite_for_sure_categories_at_a_low_temperature():
    logits = torch.tensor([[50.0, -50.0, 0.0], [-50.0, 50.0, -50.0]], requires_grad=True)
    y = gumbel_softmax(logits, gumbel_noise((2, 3), generator()), 0.1)
    (gradient,) = torch.autograd.grad((y * torch.arange(3.0)).sum() + kl_from_uniform(logits).sum(), logits)
    assert y.isfinite().all()
    assert gradient.isfinite().all()


def test_a_temperature_may_be_a_number_or_a_scalar():
    logits, noise = A.log().expand(50, 4), gumbel_noise((50, 4), generator(3))
    for temperature in (0.67, 0.5, 0.013):
        assert torch.equal(
            gumbel_softmax(logits, noise, temperature), gumbel_softmax(logits, noise, torch.tensor(temperature))
        )


@pytest.mark.parametrize("temperature", [0.0, -1.0, math.nan])
def test_a_temperature_without_gradient_is_refused(temperature):
    with pytest.raises(ValueError, match="temperature"):
        gumbel_softmax(torch.zeros(1, 2), torch.zeros(1, 2), temperature)


def test_straight_through_is_one_hot_with_the_gradient_of_the_relaxed_sample():
    logits = doubles(5, 3).requires_grad_()
    noise, weights = doubles(5, 3, seed=1), doubles(5, 3, seed=2)
    soft = gumbel_softmax(logits, noise, 0.67)
    hard = straight_through(soft)
    assert set(hard.unique().tolist()) == {0.0, 1.0}
    assert torch.equal(hard.argmax(1), soft.argmax(1))
    found, expected = (torch.autograd.grad((v * weights).sum(), logits, retain_graph=True)[0] for v in (hard, soft))
    torch.testing.assert_close(found, expected)
