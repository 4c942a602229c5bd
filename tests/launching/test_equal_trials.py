"""Trials of a search that draw the same values: one trains, the others wait for what it measures."""

import multiprocessing
import os
import signal
import threading
from types import SimpleNamespace

import pytest
from omegaconf import OmegaConf

from tests.launching.conftest import TRAINED
from tests.launching.processes import needs, read, start, wait_until
from zsl_runner.config.check import check
from zsl_runner.config.typed import plain
from zsl_runner.console.signals import STOP
from zsl_runner.runs.result import Result
from zsl_runner.sweeps import job
from zsl_runner.sweeps.notes import Plan, read_note

FORK = multiprocessing.get_context("fork")
SEARCH = needs("hydra_optuna_sweeper", "search")
POOL = needs("hydra_joblib_launcher", "pool")


@pytest.fixture
def trial(loader, tmp_path):
    """Return what does the work of a trial in the process that calls it."""

    def work(number, study="s"):
        given = [*TRAINED, f"outputs='{tmp_path}/outputs'", "existing=keep", "evaluator.stages=[tune]"]
        config = OmegaConf.create(plain(check(loader, given, strictly=False).accepted()))
        settings = SimpleNamespace(
            sweep=SimpleNamespace(dir=str(tmp_path)),
            job=SimpleNamespace(num=number),
            overrides=SimpleNamespace(task=given),
        )
        return job._job(config, settings, Plan(study=study))

    return work


@pytest.fixture
def beside(trial):
    """Return what does a trial's work in another process; it gives the process, and where it puts what it returns."""
    started = []

    def begin(number):
        returned = FORK.SimpleQueue()
        process = FORK.Process(target=lambda: returned.put(trial(number)))
        process.start()
        started.append(process)
        return process, returned

    yield begin
    for process in started:
        process.kill()
        process.join()


def runs(tmp_path):
    return list(tmp_path.glob("outputs/sgal/toy/*/"))


def test_equal_trials_in_the_same_instant_have_one_result(beside, tmp_path):
    started = [beside(number) for number in range(3)]
    values = [returned.get() for _, returned in started]
    assert values[0] is not None
    assert values == [values[0]] * 3
    (run,) = runs(tmp_path)
    notes = [read_note(tmp_path, number) for number in range(3)]
    assert [(note.directory, note.error) for note in notes] == [(str(run), None)] * 3
    assert values[0] == Result.load(run).validation["val/H"]


@pytest.fixture
def held(beside, tmp_path):
    """Return what begins a trial and stops its process while it holds the run; it gives the process."""

    def begin():
        process, _ = beside(0)
        wait_until(lambda: list(tmp_path.glob("outputs/sgal/toy/*/checkpoints/step-*.pt")))
        os.kill(process.pid, signal.SIGSTOP)
        return process

    return begin


def later(number, process):
    threading.Timer(2 * job._LOOKS, os.kill, (process.pid, number)).start()


def test_a_trial_waits_for_the_run_that_another_one_holds(held, trial, tmp_path, capsys):
    process = held()
    later(signal.SIGCONT, process)
    value = trial(1)
    (run,) = runs(tmp_path)
    assert value == Result.load(run).validation["val/H"]
    assert f"{run}: another trial with the same values is at work; this one waits" in capsys.readouterr().out
    assert not read_note(tmp_path, 1).was_complete


def test_a_trial_goes_on_with_the_run_of_one_that_was_killed(held, trial, tmp_path):
    process = held()
    later(signal.SIGKILL, process)
    value = trial(1)
    (run,) = runs(tmp_path)
    assert (Result.load(run).status, Result.load(run).validation["val/H"]) == ("complete", value)


def test_a_trial_tells_of_the_failure_that_it_waited_for(held, trial, tmp_path):
    process = held()
    (run,) = runs(tmp_path)
    (run / "checkpoints").rename(run / "moved")
    (run / "checkpoints").write_text("in the way")
    later(signal.SIGCONT, process)
    assert trial(1) is None
    assert f"{run}: failed before (" in read_note(tmp_path, 1).error


def test_a_signal_ends_the_wait(held, trial):
    held()
    with STOP.listening():
        later(signal.SIGTERM, SimpleNamespace(pid=os.getpid()))
        with pytest.raises(KeyboardInterrupt):
            trial(1)


@pytest.mark.parametrize(("study", "longest"), [("", 60), ("s", 0)])
def test_no_wait_without_a_search_or_for_ever(held, trial, tmp_path, monkeypatch, study, longest):
    held()
    monkeypatch.setattr(job, "_LONGEST_WAIT", longest)
    assert trial(1, study=study) is None
    assert "another process is working on this run" in read_note(tmp_path, 1).error


@pytest.mark.launcher
@SEARCH
@POOL
def test_a_search_of_fewer_settings_than_it_tries_at_a_time(tmp_path):
    trained = [argument for argument in TRAINED if "latent_dim" not in argument]
    pool = ["hydra/launcher=pool", "hydra.launcher.n_jobs=4", "hydra.sweeper.n_jobs=4", "hydra.sweeper.n_trials=4"]
    process, log = start(tmp_path, *trained, "sweep=tpe", *pool, "seed=0", "model.latent_dim=choice(3,4)")
    assert process.wait(timeout=500) == 0, log.seek(0) or log.read()
    log.seek(0)
    assert "4 of 4 trials with a result" in log.read()
    assert 1 <= len(read(tmp_path)) <= 2
