import math

import pytest
import torch

from zsl_runner.objectives.capacity import capacity, capacity_penalty, collapsed

LN10 = math.log(10)


def test_schedule_of_mnist():
    assert capacity(1, 0.0, 5.0, 25_000) == pytest.approx(0.0002)
    assert capacity(11_512, 0.0, 5.0, 25_000, LN10) < LN10
    assert capacity(11_513, 0.0, 5.0, 25_000, LN10) == LN10
    assert capacity(25_000, 0.0, 5.0, 25_000) == 5.0
    assert capacity(10**6, 0.0, 5.0, 25_000) == 5.0


@pytest.mark.parametrize(
    ("high", "steps", "most", "reached"),
    [
        (10.0, 50_000, LN10, 11_513),
        (1.1, 300_000, math.log(3), 299_622),
        (5.0, 100_000, 3 * math.log(2), 41_589),
        (10.0, 100_000, LN10, 23_026),
    ],
)
def test_other_published_schedules_meet_their_cap(high, steps, most, reached):
    assert capacity(reached - 1, 0.0, high, steps, most) < most
    assert capacity(reached, 0.0, high, steps, most) == most


def test_a_schedule_begins_at_its_lower_end():
    assert capacity(0, 2.0, 5.0, 100) == 2.0
    assert capacity(50, 2.0, 5.0, 100) == 3.5


@pytest.mark.parametrize("per_example", [False, True])
def test_no_capacity_is_the_mean_divergence(per_example):
    kl = torch.tensor([0.3, 1.1, 0.0])
    assert capacity_penalty(kl, 0.0, 1.0, per_example).item() == pytest.approx(kl.mean().item())
    assert capacity_penalty(kl, 0.0, 0.0, per_example).item() == 0


def test_a_mean_is_held_or_every_example():
    kl = torch.tensor([0.0, 2.0])
    assert capacity_penalty(kl, 1.0, 30.0).item() == 0
    assert capacity_penalty(kl, 1.0, 30.0, per_example=True).item() == 30
    assert capacity_penalty(kl, torch.tensor(4.0), 2.0).item() == 6


@pytest.mark.parametrize(("target", "sign"), [(0.5, 1.0), (3.0, -1.0)])
def test_the_penalty_pulls_the_divergence_toward_its_capacity(target, sign):
    kl = torch.tensor([1.0, 1.5], requires_grad=True)
    (gradient,) = torch.autograd.grad(capacity_penalty(kl, target, 4.0), kl)
    assert gradient.tolist() == [sign * 2.0, sign * 2.0]


@pytest.mark.parametrize(
    ("entropy", "kl", "target", "alarm"),
    [
        (0.3, 2.30, LN10, True),
        (2.25, 2.30, LN10, False),  # all categories in use
        (0.3, 1.50, LN10, False),  # the capacity is not met
        (0.51 * LN10, 2.30, LN10, False),
        (0.49 * LN10, 0.81 * LN10, LN10, True),
    ],
)
def test_collapse(entropy, kl, target, alarm):
    assert collapsed(entropy, 10, kl, target) is alarm
