import pytest
import torch
from torch import nn

from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.errors import ConfigError
from zsl_runner.training.optimisers import Optimisers


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


@pytest.mark.parametrize(
    "use",
    [
        lambda optimisers, loss: optimisers.minimize(loss, "firts"),
        lambda optimisers, loss: optimisers.minimize(loss, "second", "firts"),
        lambda optimisers, loss: optimisers.descend("firts", [torch.ones(3)]),
        lambda optimisers, loss: optimisers.set_lr("firts", 0.1),
        lambda optimisers, loss: optimisers.restart("firts"),
    ],
)
def test_a_group_without_an_optimiser_is_named_with_what_gives_it_one(use):
    first, second, optimisers = two_groups(lr=0.5)
    told = r"group 'firts' .* groups with one: first, second; did you mean first\?.*optimisers\(\)"
    with pytest.raises(ConfigError, match=told):
        use(optimisers, first.sum() + second.sum())
    assert torch.equal(first, torch.ones(3))
    assert torch.equal(second, torch.ones(2))


def test_a_parameter_outside_the_loss_keeps_its_value():
    used, unused = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    optimisers = Optimisers({"all": [used, unused]}, {"all": OptimizerConf(weight_decay=0.1)})
    optimisers.minimize(used.sum(), "all")
    assert used.item() != 1
    assert unused.item() == 1


@pytest.mark.parametrize("algorithm", ["adam", "adamw", "sgd"])
def test_a_parameter_may_enter_the_loss_later_than_others_of_its_group(algorithm):
    conf = OptimizerConf(algorithm=algorithm, lr=0.1, momentum=0.9 if algorithm == "sgd" else 0.0)

    def steps(later, delay):
        """Return a parameter after three steps down the same gradients, from as many steps on as it is late."""
        first = nn.Parameter(torch.ones(2))
        optimisers = Optimisers({"all": [first, later]}, {"all": conf})
        for step in range(delay + 3):
            loss = first.square().sum()
            optimisers.minimize(loss if step < delay else loss + later.square().sum(), "all")
        return later

    late, punctual = (steps(nn.Parameter(torch.full((3,), 2.0)), delay) for delay in (2, 0))
    assert torch.equal(late, punctual)


def test_clipping_limits_the_step_of_the_group():
    first, _, optimisers = two_groups(algorithm="sgd", lr=1.0, clip_norm=1.0)
    optimisers.minimize(100 * first.sum(), "first")
    assert (first - 1).norm().item() == pytest.approx(1.0, rel=1e-5)


def test_amsgrad_divides_by_the_largest_second_moment_so_far():
    """Its steps are those of the formula; after a large gradient they are shorter than Adam's."""
    beta1, beta2, lr, eps = 0.9, 0.99, 0.1, 1e-8
    gradients = [5.0, 0.1, 0.1, 0.1, 0.1]
    ends = {}
    for amsgrad in (True, False):
        first, _, optimisers = two_groups(lr=lr, betas=[beta1, beta2], amsgrad=amsgrad)
        expected, m, v, largest = 1.0, 0.0, 0.0, 0.0
        for step, gradient in enumerate(gradients, start=1):
            optimisers.minimize(gradient * first.sum(), "first")
            m, v = beta1 * m + (1 - beta1) * gradient, beta2 * v + (1 - beta2) * gradient**2
            largest = max(largest, v) if amsgrad else v
            expected -= lr * m / (1 - beta1**step) / ((largest / (1 - beta2**step)) ** 0.5 + eps)
        assert first[0].item() == pytest.approx(expected, rel=1e-5)
        ends[amsgrad] = first[0].item()
    assert ends[True] > ends[False]


@pytest.mark.parametrize("algorithm", ["adam", "adamw", "sgd", "amsgrad"])
def test_state_continues_bit_for_bit(algorithm):
    def run(pause):
        settings = {"algorithm": algorithm, "lr": 0.1, "momentum": 0.9 if algorithm == "sgd" else 0.0}
        if algorithm == "amsgrad":
            settings |= {"algorithm": "adam", "amsgrad": True}
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


def test_groups_must_be_named_alike_filled_and_hold_a_parameter_once():
    parameter = nn.Parameter(torch.ones(1))
    with pytest.raises(ConfigError, match="the group 'a' of parameters holds one twice"):
        Optimisers({"a": [parameter, parameter]}, {"a": OptimizerConf()})
    with pytest.raises(ValueError, match="differ"):
        Optimisers({"a": [parameter]}, {"b": OptimizerConf()})
    with pytest.raises(ConfigError, match="the group 'a' of parameters is empty"):
        Optimisers({"a": []}, {"a": OptimizerConf()})
    with pytest.raises(ConfigError, match="the group 'a' of parameters: expected a list, found a list_iterator"):
        Optimisers({"a": iter([parameter])}, {"a": OptimizerConf()})
    with pytest.raises(ConfigError, match="the group 'a' of parameters holds a tuple"):
        Optimisers({"a": [("weight", parameter)]}, {"a": OptimizerConf()})


def shared(**settings):
    """Two groups with one parameter in common, and settings of their own."""
    both, own = nn.Parameter(torch.ones(1)), nn.Parameter(torch.ones(1))
    confs = {"one": OptimizerConf(algorithm="sgd", lr=0.5), "other": OptimizerConf(**settings)}
    return both, own, Optimisers({"one": [both, own], "other": [both]}, confs)


def test_groups_that_share_a_parameter_minimise_their_own_loss_with_their_own_state():
    both, own, optimisers = shared(algorithm="sgd", lr=0.1, momentum=0.5)
    optimisers.minimize(2 * both.sum() + own.sum(), "one")
    assert (both.item(), own.item()) == (0.0, 0.5)
    values = []
    for _ in range(3):
        optimisers.minimize(both.sum() + own.sum(), "other")
        values.append(both.item())
        optimisers.minimize(0 * both.sum(), "one")  # the other group's momentum goes on undisturbed
    assert values == pytest.approx([-0.1, -0.25, -0.425])
    assert own.item() == 0.5
    assert both.grad is None


def test_groups_that_share_a_parameter_take_no_common_step():
    both, own, optimisers = shared()
    with pytest.raises(ConfigError, match="one and other share parameters"):
        optimisers.minimize(both.sum() + own.sum(), "one", "other")
    assert (both.item(), own.item()) == (1.0, 1.0)


@pytest.mark.parametrize("algorithm", ["sgd", "adam"])
def test_a_changed_learning_rate_counts_and_belongs_to_the_state(algorithm):
    first, _, optimisers = two_groups(algorithm=algorithm, lr=1.0)
    optimisers.set_lr("first", 0.25)
    optimisers.minimize(first.sum(), "first")
    assert first.tolist() == pytest.approx([0.75] * 3, rel=1e-6)
    again, _, restored = two_groups(algorithm=algorithm, lr=1.0)
    restored.load_state_dict(optimisers.state_dict())
    restored.minimize(again.sum(), "first")
    assert again.tolist() == pytest.approx([0.75] * 3, rel=1e-6)
