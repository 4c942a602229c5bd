"""Replayed steps end with the same bits as steps taken operation by operation, also where a run is resumed."""

import copy
import logging
import math
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from scripts.benchmark import problem
from tests.golden.runs import CHANGED, KINDRED, OPTIONS, STEPS
from tests.recipes.comparison import assert_same
from tests.slow import slow_if
from tests.training.emulated_graph import EmulatedGraph
from zsl_runner.config.sections import RuntimeConf
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.streams import Streams
from zsl_runner.training.base import Drawn, Step, StepReport
from zsl_runner.training.build import capture_of
from zsl_runner.training.replay import Capture, ReplayedStep, Variants, eager
from zsl_runner.training.runtime import Runtime
from zsl_runner.training.terms import TermSums

DEVICES = ["cpu", pytest.param("cuda", marks=pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA"))]
TRAINED = sorted(set(STEPS) - {"closed_form"})
ONE_HOT = ("aae_mixture", "aae_roll", "aae_supervised", "capacity_hard", "cvae_images")
"""Those whose labels torch looks at to make them one-hot, on the CPU alone; there they are not captured."""


def stage_of(name, device):
    overrides = (STEPS | OPTIONS)[name]
    parts = problem.stage(problem.configuration(*overrides, *CHANGED.get(name, []), device=device))
    if device == "cpu":  # where learning rates are numbers
        for optimiser in parts.optimisers._optimisers.values():
            for group in optimiser.param_groups:
                group["lr"] = torch.tensor(group["lr"])
    return parts


def capture_for(parts, device):
    if device == "cuda":
        return capture_of(parts)
    return Capture(parts.streams, parts.optimisers, graphs=lambda device: EmulatedGraph)


def train(parts, takers, stop=None):
    """Take the steps of all phases; return the terms of each, and how many variants were replayed."""
    rows, graphs, done = [], 0, 0
    for phase in parts.trainer.phases():
        sums = TermSums()
        take = takers(phase.step, sums)
        if phase.begin is not None:
            phase.begin()
        for _ in range(phase.steps):
            report = take()
            rows.append((sums.values(), report.real_rows))
            sums.clear()
            done += 1
            if done == stop:
                return rows, graphs
        if phase.end is not None:
            phase.end()
        graphs += getattr(take, "graphs", 0)
    return rows, graphs


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", slow_if({*KINDRED, *OPTIONS}, [*TRAINED, *OPTIONS]))
def test_replayed_steps_are_equal_to_the_bit(name, device):
    one, other = stage_of(name, device), stage_of(name, device)
    capture = capture_for(other, device)
    expected, _ = train(one, eager)
    found, graphs = train(other, lambda step, sums: capture.of(step, sums, name))
    assert graphs > 0 or (device == "cpu" and name in ONE_HOT)
    assert found == expected
    assert_same(one.state_dict(), other.state_dict())


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("name", ["em", "feature_gan_transductive", "aae_adam"])
def test_a_run_that_goes_on_from_a_checkpoint_ends_with_the_same_bits(name, device):
    whole, first, second = (stage_of(name, device) for _ in range(3))
    expected, _ = train(whole, eager)
    phases = whole.trainer.phases()
    stop = phases[0].steps - 1  # inside the first phase
    capture = capture_for(first, device)
    train(first, lambda step, sums: capture.of(step, sums, name), stop)
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    capture = capture_for(second, device)
    found = []
    for place, phase in enumerate(second.trainer.phases()):
        sums = TermSums()
        take = capture.of(phase.step, sums, name)
        if place and phase.begin is not None:
            phase.begin()
        for _ in range(phase.steps - (0 if place else stop)):
            report = take()
            found.append((sums.values(), report.real_rows))
            sums.clear()
    assert found == expected[stop:]
    assert_same(whole.state_dict(), second.state_dict())


@dataclass(frozen=True)
class Rate(Drawn):
    rate: Tensor
    coin: bool = False


class Descent:
    """Halves of a step that moves one number; ``spoil`` breaks a rule of the second half."""

    def __init__(self, device, spoil=""):
        self.weight = torch.zeros((), device=device)
        self.streams = Streams(0, device)
        self.spoil = spoil
        self.taken = 0
        self.step = Step(self.draw, self.compute, self.finish)

    def draw(self):
        return Rate(torch.tensor(float(self.taken), device=self.weight.device), self.taken % 4 == 3)

    def compute(self, drawn):
        noise = torch.rand((), generator=self.streams["noise"], device=self.weight.device)
        moved = self.weight + (drawn.rate * noise).nan_to_num(nan=math.nan)  # an argument that does not equal itself
        if self.spoil == "number":
            moved = moved + self.taken
        if self.spoil == "wait" and float(moved) < 0:
            moved = -moved
        if self.spoil == "replace":
            self.weight = moved
        else:
            self.weight.copy_(moved)
        return StepReport({"weight": self.weight.clone()}, 2)

    def finish(self):
        self.taken += 1


class NoOptimisers:
    steps = 0


def capture(descent, device, **options):
    if device == "cpu":
        options["graphs"] = lambda device: EmulatedGraph
    return Capture(descent.streams, NoOptimisers(), **options)


def values(taker, sums, steps=24):
    found = []
    for _ in range(steps):
        taker()
        found.append(sums.values()["weight"])
        sums.clear()
    return found


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize("spoil", ["number", "wait", "replace"])
def test_a_step_that_cannot_be_captured_falls_back_and_loses_nothing(spoil, device, caplog):
    plain, captured = Descent(device, spoil), Descent(device, spoil)
    sums, others = TermSums(), TermSums()
    expected = values(eager(plain.step, sums), sums)
    counts = capture(captured, device)
    take = counts.of(captured.step, others, "fit")
    with caplog.at_level(logging.WARNING):
        found = values(take, others)
    assert found == expected
    assert take.graphs == 0
    assert counts.variants == {"fit": Variants(graphs=0, eager=2)}
    assert len([line for line in caplog.messages if "phase fit are not replayed" in line]) == 1
    strict, sums = Descent(device, spoil), TermSums()
    with pytest.raises(RunError, match=r"phase fit cannot be captured: .*runtime.capture=auto or never"):
        values(capture(strict, device, always=True).of(strict.step, sums, "fit"), sums)


@pytest.mark.parametrize("device", DEVICES)
def test_each_variant_has_a_graph_of_its_own_up_to_a_limit_and_the_run_says_how_many(device, caplog):
    for limit, graphs in ((8, 2), (1, 1)):
        plain, captured = Descent(device), Descent(device)
        sums, others = TermSums(), TermSums()
        counts = capture(captured, device, limit=limit)
        take = counts.of(captured.step, others, "fit")
        assert values(take, others, 24) == values(eager(plain.step, sums), sums, 24)
        assert isinstance(take, ReplayedStep)
        assert take.graphs == graphs
        assert counts.variants == {"fit": Variants(graphs=graphs, eager=2 - graphs)}
        with caplog.at_level(logging.INFO):
            counts.conclude("fit")
        assert f"phase fit: {graphs} graphs replayed, {2 - graphs} variants computed eagerly" in caplog.messages


def test_a_variant_that_occurs_too_rarely_to_be_captured_is_counted():
    descent, sums = Descent("cpu"), TermSums()
    counts = capture(descent, "cpu")
    values(counts.of(descent.step, sums, "fit"), sums, 12)  # nine with one side of the coin, three with the other
    assert counts.variants == {"fit": Variants(graphs=1, eager=1)}


def test_a_step_that_is_not_in_halves_is_taken_as_it_is(caplog):
    sums = TermSums()
    counts = capture(Descent("cpu"), "cpu")
    take = counts.of(lambda: StepReport({"loss": torch.tensor(2.0)}, 1), sums, "fit")
    assert take().real_rows == 1
    assert sums.values() == {"loss": 2.0}
    assert "phase fit are not replayed" in caplog.text
    assert counts.variants == {"fit": Variants(graphs=0, eager=1)}


def test_capture_always_needs_cuda():
    with pytest.raises(ConfigError, match="only CUDA captures steps"):
        Runtime(RuntimeConf(device="cpu", capture="always"))
