"""Log-likelihoods of structured outputs against torch.distributions."""

import math

import pytest
import torch
from torch.distributions import Bernoulli, Categorical, Normal

from zsl_runner.objectives.likelihood import (
    bernoulli_log_likelihood,
    categorical_log_likelihood,
    gaussian_log_likelihood,
)


def randn(*shape, seed=0):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_bernoulli_agrees_with_torch_and_sums_over_the_entries():
    logits, y = randn(5, 3, 4, 2), (randn(3, 4, 2, seed=1) > 0).double()
    expected = Bernoulli(logits=logits).log_prob(y).sum((-2, -1))
    torch.testing.assert_close(bernoulli_log_likelihood(logits, y), expected)


def test_bernoulli_of_grey_values_is_minus_the_cross_entropy_and_largest_at_the_values():
    y = torch.tensor([[0.3, 0.9]], dtype=torch.float64)
    entropy = -(y * y.log() + (1 - y) * (1 - y).log()).sum()
    assert bernoulli_log_likelihood(torch.logit(y), y).item() == pytest.approx(-entropy.item())
    for shift in (-0.1, 0.1):
        assert bernoulli_log_likelihood(torch.logit(y) + shift, y) < -entropy


def test_bernoulli_of_far_logits_stays_finite():
    found = bernoulli_log_likelihood(torch.tensor([[200.0, -200.0]]), torch.tensor([[0.0, 0.0]]))
    assert found.item() == pytest.approx(-200)


def test_categorical_agrees_with_torch_for_any_leading_axes():
    logits = randn(7, 3, 4, 5, 6)
    labels = torch.randint(4, (3, 5, 6), generator=torch.Generator().manual_seed(2))
    expected = Categorical(logits=logits.movedim(2, -1)).log_prob(labels).sum((-2, -1))
    torch.testing.assert_close(categorical_log_likelihood(logits, labels), expected)
    torch.testing.assert_close(categorical_log_likelihood(logits[0], labels), expected[0])


def test_gaussian_agrees_with_torch():
    mean, y = randn(2, 3, 4), randn(3, 4, seed=1)
    expected = Normal(mean, 0.3).log_prob(y).sum(-1)
    torch.testing.assert_close(gaussian_log_likelihood(mean, y, deviation=0.3), expected)


@pytest.mark.parametrize("function", [bernoulli_log_likelihood, gaussian_log_likelihood])
def test_entries_that_are_not_valid_count_nothing(function):
    parameters, y = randn(3, 6), torch.rand(3, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    valid = torch.tensor([True, False, True, True, False, True]).expand(3, 6)
    expected = function(parameters[:, valid[0]], y[:, valid[0]])
    torch.testing.assert_close(function(parameters, y, valid), expected)


def test_labels_that_are_not_valid_may_hold_anything():
    logits = randn(2, 4, 3)
    labels, valid = torch.tensor([[0, 255, 3], [1, 2, -1]]), torch.tensor([[True, False, True], [True, True, False]])
    expected = Categorical(logits=logits.movedim(1, -1)).log_prob(labels.clamp(0, 3))
    torch.testing.assert_close(categorical_log_likelihood(logits, labels, valid), (expected * valid).sum(-1))


def test_narrow_logits_are_summed_in_single_precision():
    logits = torch.full((1, 4096), 0.1, dtype=torch.bfloat16)
    found = bernoulli_log_likelihood(logits, torch.zeros(1, 4096))
    assert found.dtype == torch.float32
    assert found.item() == pytest.approx(-4096 * math.log1p(math.exp(float(logits[0, 0]))), rel=1e-5)


def test_gradients():
    y = (randn(2, 3, seed=3) > 0).double()
    labels = torch.tensor([[0, 1], [1, 0]])
    assert torch.autograd.gradcheck(lambda p: bernoulli_log_likelihood(p, y), (randn(4, 2, 3).requires_grad_(),))
    assert torch.autograd.gradcheck(lambda p: gaussian_log_likelihood(p, y), (randn(4, 2, 3).requires_grad_(),))
    assert torch.autograd.gradcheck(
        lambda p: categorical_log_likelihood(p, labels), (randn(4, 2, 2, 2).requires_grad_(),)
    )
