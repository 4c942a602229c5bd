import math

import pytest
import torch

from zsl_runner.objectives.attribute_regression import mean_squared_error, self_weighted_error


def pair(seed=0):
    g = torch.Generator().manual_seed(seed)
    return tuple(torch.randn(6, 5, generator=g, dtype=torch.float64) for _ in range(2))


def test_self_weighted_error_is_the_formula():
    predicted, target = pair()
    total = 0.0
    for e in (predicted - target).tolist():
        norm = math.sqrt(sum(v * v for v in e))
        total += sum(abs(v) ** 3 for v in e) / norm
    assert self_weighted_error(predicted, target).item() == pytest.approx(total / len(predicted), rel=1e-12)


@pytest.mark.parametrize("delta", [0.01, 0.5, -2.0])
def test_one_error_costs_its_square(delta):
    target = pair()[1][:1]
    predicted = target.clone()
    predicted[0, 2] += delta
    assert self_weighted_error(predicted, target).item() == pytest.approx(delta**2)


@pytest.mark.parametrize("count", [1, 2, 4, 5])
def test_equal_errors_cost_the_root_of_their_count_times_their_square(count):
    predicted = torch.zeros(3, 5, dtype=torch.float64)
    predicted[:, :count] = 0.3
    assert self_weighted_error(predicted, torch.zeros_like(predicted)).item() == pytest.approx(
        math.sqrt(count) * 0.3**2
    )


def test_doubled_errors_cost_four_times_as_much():
    predicted, target = pair(1)
    torch.testing.assert_close(
        self_weighted_error(target + 2 * (predicted - target), target), 4 * self_weighted_error(predicted, target)
    )


def test_weights_are_differentiated():
    """Gradients are those of the whole formula; with constant weights |e_j| / ||e|| they would be others."""
    predicted, target = pair(2)
    predicted.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: self_weighted_error(p, target), (predicted,))
    (whole,) = torch.autograd.grad(self_weighted_error(predicted, target), predicted)
    error = predicted - target
    weights = (error.abs() / error.norm(dim=1, keepdim=True)).detach()
    (constant,) = torch.autograd.grad((weights * error.square()).sum(1).mean(), predicted)
    assert (whole - constant).abs().max() > 0.05


def test_a_row_without_error_costs_nothing_and_feels_no_force():
    predicted, target = pair(3)
    predicted[2] = target[2]
    predicted.requires_grad_()
    loss = self_weighted_error(predicted, target)
    loss.backward()
    others = [0, 1, 3, 4, 5]
    torch.testing.assert_close(loss, self_weighted_error(predicted[others], target[others]) * 5 / 6)
    assert torch.equal(predicted.grad[2], torch.zeros(5, dtype=torch.float64))
    assert (predicted.grad[others].abs().sum(1) > 0).all()


def test_errors_too_small_to_square_stay_finite():
    predicted = torch.full((1, 4), 1e-30, requires_grad=True)
    loss = self_weighted_error(predicted, torch.zeros(1, 4))
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(predicted.grad, torch.zeros(1, 4))


def test_mean_squared_error_both_ways():
    predicted, target = pair(4)
    elements = (predicted - target).square()
    torch.testing.assert_close(mean_squared_error(predicted, target), elements.sum() / 30)
    torch.testing.assert_close(mean_squared_error(predicted, target, batch_divided_twice=True), elements.sum() / 180)


@pytest.mark.parametrize("twice", [False, True])
def test_mean_squared_error_of_a_repeated_batch(twice):
    """A mean over rows does not change with copies of all rows; the released code's halves."""
    predicted, target = pair(5)
    once = mean_squared_error(predicted, target, batch_divided_twice=twice)
    copied = mean_squared_error(predicted.repeat(2, 1), target.repeat(2, 1), batch_divided_twice=twice)
    torch.testing.assert_close(copied, once / 2 if twice else once)


def test_mean_squared_error_gradients():
    predicted, target = pair(6)
    predicted.requires_grad_()
    assert torch.autograd.gradcheck(lambda p: mean_squared_error(p, target, batch_divided_twice=True), (predicted,))
