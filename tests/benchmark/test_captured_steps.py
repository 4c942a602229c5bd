"""Replayed steps beside eager and plain ones: measured on CUDA; here with graphs that are emulated."""

import pytest
import torch
from torch.utils._pytree import tree_leaves

from scripts.benchmark import captured_steps, problem
from scripts.benchmark.captured_steps import PROBLEMS, Measured, step_findings
from scripts.benchmark.timing import Effort
from tests.slow import slow_if
from tests.training.emulated_graph import EmulatedGraph
from tests.training.second_device import AwayTensor, second_device
from zsl_runner.training.replay import Capture

SHORT = Effort(repeats=1, seconds=0.0)
PLAIN = [name for name, measured in PROBLEMS.items() if measured.plainly is not None and "TF32" not in name]
SMALL = {
    "AWA2's shape": ("model.hidden=16", "dataset.width=32", "dataset.train_rows=20"),
    "AAE of": ("model.hidden=[16]", "model.discriminator_hidden=[8]"),
    "prototype contrast": ("dataset.train=40", "trainer.batch_size=4"),
}
"""Overrides that make a problem small, by what is in its name."""


def small(name):
    overrides = [override for override in PROBLEMS[name].overrides if override != "runtime.precision=tf32"]
    return [*overrides, *(more for words, added in SMALL.items() if words in name for more in added)]


@pytest.fixture
def emulated(monkeypatch):
    """Let steps be captured without CUDA, three of them at a time."""

    def capture_of(parts):
        return Capture(parts.streams, parts.optimisers, graphs=lambda device: EmulatedGraph)

    monkeypatch.setattr(captured_steps, "capture_of", capture_of)
    monkeypatch.setattr(captured_steps, "STEPS", 3)


@pytest.mark.parametrize("name", PROBLEMS)
def test_its_problems_are_configurations_of_data_at_hand(name):
    overrides = [override for override in PROBLEMS[name].overrides if override != "runtime.precision=tf32"]
    assert problem.configuration(*overrides).trainer is not None


@pytest.mark.parametrize("name", ["EWC, split digits", "A-LwF, split digits", "JointVAE, digits"])
def test_a_replayed_step_stands_beside_an_eager_and_a_plain_one(emulated, name):
    findings = step_findings(name, PROBLEMS[name], SHORT, "cpu")
    eager, *plain = findings
    assert eager.facts["graphs"] == "1"
    assert [finding.aim for finding in findings] == [0.25, *[None] * len(plain)]
    assert [finding.reference for finding in plain] == ["the same, written plainly"] * (name != "A-LwF, split digits")
    for finding in findings:
        assert list(finding.quantities) == ["wall", "cpu"]
        assert min(finding.quantities["wall"].medians) > 0


@pytest.mark.parametrize("name", slow_if(["prototype contrast, canvases"], PLAIN))
def test_a_plain_step_stays_on_its_device(name):
    with second_device():
        parts = problem.stage(problem.configuration(*small(name)))
        captured_steps._through_earlier_phases(parts)
        step = PROBLEMS[name].plainly(parts.trainer)
        told = [leaf for leaf in tree_leaves(step()) if isinstance(leaf, torch.Tensor)]
    assert all(isinstance(value, AwayTensor) for value in [*told, *parts.model.parameters()])


def test_phases_before_the_last_are_gone_through_first():
    parts = problem.stage(problem.configuration(*PROBLEMS["A-LwF, split digits"].overrides))
    captured_steps._through_earlier_phases(parts)
    assert set(parts.trainer.references(1)) == {"stability", "plasticity"}


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_on_cuda_kernels_and_memory_are_told_too():
    eager, kernels = step_findings("vzsl", Measured(("model=vzsl", "dataset=toy")), SHORT, "cuda")
    assert eager.facts["graphs"] == "1"
    assert "MiB" in eager.facts["memory"]
    assert kernels.reference == "its kernels"
    assert int(kernels.facts["kernels"]) > 0
