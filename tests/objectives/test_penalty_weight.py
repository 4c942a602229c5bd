import pytest
import torch

from zsl_runner.objectives.penalty_weight import adapted_penalty_weight


def scalar(value):
    return torch.tensor(value, dtype=torch.float64)


@pytest.mark.parametrize("steps", [1, 10, 100])
def test_without_penalty_the_weight_decays_geometrically(steps):
    weight = scalar(10.0)
    for _ in range(steps):
        weight = adapted_penalty_weight(weight, scalar(0.0))
    assert weight.item() == pytest.approx(10 * 1.1**-steps, rel=1e-12)


@pytest.mark.parametrize("penalty", [1.001, 1.02, 1.05])
def test_between_the_limits_and_at_them_it_stays(penalty):
    assert adapted_penalty_weight(scalar(7.0), scalar(penalty)).item() == 7


@pytest.mark.parametrize(("penalty", "expected"), [(1.0500001, 11.0), (50.0, 11.0), (1.0009999, 10 / 1.1)])
def test_beyond_the_limits_it_moves_by_the_factor(penalty, expected):
    assert adapted_penalty_weight(scalar(10.0), scalar(penalty)).item() == pytest.approx(expected, rel=1e-12)


def test_factor_and_limits_are_those_given():
    options = {"factor": 2.0, "low": 0.1, "high": 0.3}
    found = [adapted_penalty_weight(scalar(1.0), scalar(p), **options).item() for p in (0.05, 0.2, 0.4)]
    assert found == [0.5, 1.0, 2.0]


def test_it_waits_for_no_value_and_keeps_its_input():
    weight = scalar(10.0)
    adapted_penalty_weight(weight, scalar(0.0))
    assert weight.item() == 10
    assert adapted_penalty_weight(weight.to("meta"), scalar(0.0).to("meta")).is_meta
