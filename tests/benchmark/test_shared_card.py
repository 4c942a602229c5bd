"""Runs that share a card: what is started, with and without the multi-process service, and what is told of it."""

import json
import os

import pytest

from scripts.benchmark import command, shared_card
from scripts.benchmark.shared_card import CONTROL, shared_card_findings
from scripts.benchmark.timing import Cost, Effort
from zsl_runner.errors import RunError

SHORT = Effort(repeats=1, seconds=0.0)


@pytest.fixture
def sweeps(monkeypatch):
    """Stand in for the sweeps' processes; return what each was started with: its arguments and variables."""
    started = []

    def python(*arguments, folder, variables=None):
        started.append((arguments, dict(variables or {})))
        (outputs,) = [argument.split("'")[1] for argument in arguments if argument.startswith("outputs=")]
        run = folder / outputs / "sgal/toy/a"
        run.mkdir(parents=True)
        cost = {"peak_memory_mb": 900.0, "device_memory_mb": 300.0}
        (run / "result.json").write_text(json.dumps({"cost": cost}))
        parallel = "hydra/launcher=pool" in arguments
        return Cost(cpu=8.0, wall=2.0 if parallel else 4.0), ""

    monkeypatch.setattr(shared_card, "python", python)
    return started


def program(folder, code):
    """Put a stand-in for the service's program first on the path; it notes how it was called."""
    folder.mkdir()
    file = folder / CONTROL
    file.write_text(f'#!/bin/sh\necho "$@" $(cat) $CUDA_MPS_PIPE_DIRECTORY >> {folder}/calls\nexit {code}\n')
    file.chmod(0o755)
    return folder / "calls"


def test_without_the_service_runs_at_once_stand_beside_runs_in_a_row(sweeps, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    (found,) = shared_card_findings(SHORT, tmp_path, runs=3, steps=7)
    assert found.quantities["wall"].ratio == 0.5
    assert list(found.quantities) == ["wall", "cpu"]
    assert found.facts == {"steps of a run": "14", "memory of a run": "300 MiB on the card, 900 MiB beside it"}
    for arguments, variables in sweeps:
        assert {"seed=0,1,2", "runtime=cuda", "trainer.pretrain_steps=7", "trainer.em.iterations=7"} <= {*arguments}
        assert variables == {}
    assert sum("hydra.launcher.n_jobs=3" in arguments for arguments, _ in sweeps) == len(sweeps) / 2


def test_the_service_runs_for_its_own_sweeps_alone(sweeps, tmp_path, monkeypatch):
    calls = program(tmp_path / "bin", code=0)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    _, served = shared_card_findings(SHORT, tmp_path)
    assert "multi-process service" in served.name
    pipe = str(tmp_path / "pipe")
    assert calls.read_text().split("\n")[:2] == [f"-d {pipe}", f"quit {pipe}"]
    for arguments, variables in sweeps[4:]:
        assert variables.get("CUDA_MPS_PIPE_DIRECTORY") == (pipe if "hydra/launcher=pool" in arguments else None)
    assert not any(variables for _, variables in sweeps[:4])


def test_a_service_that_does_not_start_is_an_error_of_one_line(sweeps, tmp_path, monkeypatch):
    program(tmp_path / "bin", code=3)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(RunError, match=f"{CONTROL} -d: exit code 3"):
        list(shared_card_findings(SHORT, tmp_path))


@pytest.mark.parametrize("topic", ["captured", "card"])
def test_without_a_gpu_the_topics_say_that_they_are_left_out(topic, capsys, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    assert command.main(["--quick", "--only", topic]) == 0
    assert "left out: torch" in capsys.readouterr().out
