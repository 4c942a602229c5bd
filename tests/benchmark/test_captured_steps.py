"""The comparison of replayed steps: its problems are accepted, and without CUDA it says so."""

import pytest
import torch

from scripts.benchmark import captured_steps, problem


@pytest.mark.parametrize("name", captured_steps.PROBLEMS)
def test_its_problems_are_configurations_of_data_at_hand(name):
    overrides = [override for override in captured_steps.PROBLEMS[name] if override != "runtime.precision=tf32"]
    assert problem.configuration(*overrides).trainer is not None


@pytest.mark.skipif(torch.cuda.is_available(), reason="with CUDA it measures")
def test_without_cuda_it_says_so(monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", ["captured_steps"])
    assert captured_steps.main() == 0
    assert "no CUDA device" in capsys.readouterr().out


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
def test_a_replayed_step_is_measured_beside_an_eager_one():
    times = captured_steps.step_times(problem.configuration("model=vzsl", "dataset=toy", device="cuda"))
    assert times.graphs == 1
    assert min(times.eager, times.replayed, times.busy, times.kernels) > 0
