import pytest
import torch
from torch import nn

from zsl_runner.config.schema import OptimizerConf
from zsl_runner.optim import Optimisers


def two_groups(**settings):
    first, second = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(2))
    groups = {"first": [first], "second": [second]}
    confs = {name: OptimizerConf(**settings) for name in groups}
    return first, second, Optimisers(groups, confs)


def test_minimize_moves_only_its_group_and_leaves_no_gradient():
    first, second, optimisers = two_groups(algorithm="sgd", lr=0.5)
    optimisers.minimize((first.square().sum() * second.square().sum()), "first")
    assert torch.equal(first, torch.full((3,), 1 - 0.5 * 2 * 2.0))
    assert torch.equal(second, torch.ones(2))
    assert first.grad is None
    assert second.grad is None


def test_a_parameter_outside_the_loss_keeps_its_value():
    used, unused = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimisers = Optimisers({"all": [used, unused]}, {"all": OptimizerConf(weight_decay=0.1)})
    optimisers.minimize(used.sum(), "all")
    assert used.item() != 1
    assert unused.item() == 1


def test_clipping_limits_the_step_of_the_group():
    first, _, optimisers = two_groups(algorithm="sgd", lr=1.0, clip_norm=1.0)
    optimisers.minimize(100 * first.sum(), "first")
    assert (first - 1).norm().item() == pytest.approx(1.0, rel=1e-5)


@pytest.mark.parametrize("algorithm", ["adam", "adamw", "sgd"])
def test_state_continues_bit_for_bit(algorithm):
    def run(pause):
        settings = {"algorithm": algorithm, "lr": 0.1, "momentum": 0.9 if algorithm == "sgd" else 0.0}
        first, _, optimisers = two_groups(**settings)
        for step in range(6):
            if pause and step == 3:
                state, values = optimisers.state_dict(), first.detach().clone()
                first, _, optimisers = two_groups(**settings)
                optimisers.load_state_dict(state)
                first.data.copy_(values)
            optimisers.minimize((first - step).square().sum(), "first")
        return first, optimisers.steps

    straight, resumed = run(False), run(True)
    assert torch.equal(straight[0], resumed[0])
    assert straight[1] == resumed[1] == 6


def test_groups_must_be_disjoint_named_alike_and_filled():
    parameter = nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match="disjoint"):
        Optimisers({"a": [parameter], "b": [parameter]}, {"a": OptimizerConf(), "b": OptimizerConf()})
    with pytest.raises(ValueError, match="differ"):
        Optimisers({"a": [parameter]}, {"b": OptimizerConf()})
    with pytest.raises(ValueError, match="empty"):
        Optimisers({"a": []}, {"a": OptimizerConf()})
