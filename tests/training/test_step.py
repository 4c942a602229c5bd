"""A step of two halves: what is drawn decides all that the host decides, and what is computed repeats itself."""

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from scripts.benchmark import problem
from tests.golden.runs import CHANGED, KINDRED, OPTIONS, STEPS
from tests.recipes.comparison import assert_same
from tests.slow import slow_if
from tests.training.emulated_graph import waits
from tests.training.nested import name_of
from tests.training.second_device import NoNumbersOfTheHost, NothingOfTheCPU, second_device
from zsl_runner.training.base import Drawn, Step, StepReport


@dataclass(frozen=True)
class Inner(Drawn):
    rows: Tensor
    coin: bool


@dataclass(frozen=True)
class Outer(Drawn):
    first: Inner
    second: Inner | None
    weight: Tensor


def drawn(rows=3, coin=True, second=None, weight=0.5):
    return Outer(Inner(torch.arange(rows), coin), second, torch.tensor(weight))


def test_tensors_are_found_wherever_they_are():
    both = drawn(second=Inner(torch.zeros(2), False))
    assert set(both.tensors()) == {"first.rows", "second.rows", "weight"}
    assert both.tensors()["first.rows"] is both.first.rows
    assert set(drawn().tensors()) == {"first.rows", "weight"}


def test_variants_differ_in_plain_values_and_shapes_alone():
    assert hash(drawn().variant) == hash(drawn(weight=0.25).variant)
    assert drawn().variant == drawn(weight=0.25).variant
    others = [drawn(rows=4), drawn(coin=False), drawn(second=Inner(torch.zeros(2), True))]
    assert len({drawn().variant, *(other.variant for other in others)}) == 4


def test_a_step_is_its_halves_and_then_counted():
    done = []

    def compute(found):
        done.append("compute")
        return StepReport({"loss": found.weight}, len(found.first.rows))

    step = Step(lambda: done.append("draw") or drawn(rows=5), compute, lambda: done.append("finish"))
    report = step()
    assert done == ["draw", "compute", "finish"]
    assert (report.terms["loss"].item(), report.real_rows) == (0.5, 5)


class Operations(TorchDispatchMode):
    """Notes the operations and the shapes they work on, and those that the host waits in."""

    def __init__(self):
        super().__init__()
        self.seen = []
        self.waited = []

    def __torch_dispatch__(self, function, types, arguments=(), options=None):
        shapes = [tuple(value.shape) for value in arguments if isinstance(value, Tensor)]
        self.seen.append((name_of(function), shapes))
        if waits(function, arguments, options):
            self.waited.append(name_of(function))
        return function(*arguments, **(options or {}))


IN_HALVES = (
    "em",
    "em_released",
    "em_control_fixed_prior",
    "seen_only",
    "transductive",
    "aligned_vae",
    "feature_gan",
    "feature_gan_critic_steps",
    "feature_gan_transductive",
    "cvae_generator",
    "hybrid",
    "gsnn",
    "nn",
    "segmentation",
    "aae_adam",
    "aae_once",
    "aae_paper",
    "capacity",
    "beta_vae",
    "prototype_contrast",
    "mask_supervision",
    "a_ewc",
    "a_icarl",
    "a_lfl",
    "finetune",
    "joint",
    "a_lwf",
    "a_mas",
)


def stage_of(name):
    return problem.stage(problem.configuration(*(STEPS | OPTIONS)[name], *CHANGED.get(name, [])))


@pytest.mark.parametrize("name", slow_if({*KINDRED, *OPTIONS}, [*IN_HALVES, *OPTIONS]))
def test_the_second_half_repeats_itself_waits_for_nothing_and_stays_on_its_device(name):
    with second_device():
        parts = stage_of(name)
        taken, compared = {}, 0
        for phase in parts.trainer.phases():
            assert isinstance(phase.step, Step)
            if phase.begin is not None:
                phase.begin()
            for _ in range(phase.steps):
                decided = phase.step.draw()
                with Operations() as operations, NothingOfTheCPU(), NoNumbersOfTheHost():
                    phase.step.compute(decided)
                if phase.step.finish is not None:
                    phase.step.finish()
                assert not operations.waited
                alike = taken.setdefault((phase.name, decided.variant), [])
                alike.append(operations.seen)
                if len(alike) > 2:  # the first may have made the moments of an optimiser
                    compared += 1
                    assert alike[-1] == alike[1]
            if phase.end is not None:
                phase.end()
        assert compared > 3


@pytest.mark.parametrize("name", slow_if(KINDRED, IN_HALVES))
def test_the_second_half_depends_on_tensors_streams_and_what_was_drawn_alone(name):
    parts, copy = stage_of(name), stage_of(name)
    for phase, other in zip(parts.trainer.phases(), copy.trainer.phases(), strict=True):
        for built in (phase, other):
            if built.begin is not None:
                built.begin()
        for _ in range(min(phase.steps, 10)):
            decided = phase.step.draw()
            report = phase.step.compute(decided)
            for group, state in parts.optimisers.state_dict()["optimisers"].items():
                copy.optimisers.set_lr(group, state["param_groups"][0]["lr"])  # set by the host
            again = other.step.compute(decided)  # its own host has decided nothing
            assert_same(dict(report.terms), dict(again.terms))
            if phase.step.finish is not None:
                phase.step.finish()
        for built in (phase, other):
            if built.end is not None:
                built.end()
        assert_same(parts.model.state_dict(), copy.model.state_dict())
