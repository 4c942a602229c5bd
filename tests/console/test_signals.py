"""Signals at every moment of a command, in processes forked from the test's; the process sends them to itself."""

import fcntl
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time

import pytest

from tests.launching.conftest import FAST, TRAINED
from tests.results import only_record
from tests.slow import slow_if
from zsl_runner.console.signals import StopRequest, ending_with
from zsl_runner.files.locks import is_held
from zsl_runner.runs import attempt, run
from zsl_runner.runs.stage import StageRun
from zsl_runner.sweeps import command

WORKER = """
import os, sys, time
from zsl_runner.console.frame import guarded
from zsl_runner.console.signals import STOP, ending_with
with guarded(), ending_with(os.getppid()):
    print("at work", flush=True)
    while not STOP.requested():
        time.sleep(0.01)
    print("saved", flush=True)
print("next run", flush=True)
"""
COMMAND = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {WORKER!r}])"
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.fixture(autouse=True)
def terminal_that_is_heard():
    """Let the processes of a test hear that a terminal closes, also where ``nohup`` has the tests ignore it."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@pytest.fixture
def strike(monkeypatch):
    """Return what lets the next processes send themselves signals before a function of a module or class is called."""

    def patch(owner, name, *numbers, times=1, after=False):
        inner, left = getattr(owner, name), [times]

        def struck(*arguments, **keywords):
            done = inner(*arguments, **keywords) if after else None
            if left[0]:
                left[0] -= 1
                for number in numbers:
                    os.kill(os.getpid(), number)
            return done if after else inner(*arguments, **keywords)

        monkeypatch.setattr(owner, name, struck)

    return patch


@pytest.mark.parametrize("number", CODES)
def test_in_a_step_the_state_is_saved(strike, zsl_run, tmp_path, number):
    strike(run.Run, "_describe", number)  # before the first step of the first stage
    done = zsl_run(*TRAINED, code=CODES[number])
    result, directory = only_record(tmp_path)
    assert result["status"] == "interrupted"
    assert [file.name for file in (directory / "checkpoints").iterdir()] == ["step-000000001.pt"]
    assert f"zsl-run resume={directory.relative_to(tmp_path)}" in done.stderr


@pytest.mark.parametrize("place", ["load", "build_stage"])
def test_while_data_are_loaded_or_networks_built(strike, monkeypatch, zsl_run, tmp_path, place):
    strike(run, place, signal.SIGTERM)
    zsl_run(*TRAINED, code=143)
    result, directory = only_record(tmp_path)
    assert result["status"] == "interrupted"
    monkeypatch.undo()
    zsl_run(f"resume={directory}")
    assert only_record(tmp_path)[0]["status"] == "complete"


@pytest.mark.parametrize(("owner", "name"), [(StageRun, "_draw"), (attempt, "summary_table")])
def test_past_the_last_step_the_run_is_finished_and_the_exit_code_tells_of_the_signal(
    strike, zsl_run, tmp_path, owner, name
):
    strike(owner, name, signal.SIGTERM)
    done = zsl_run(*FAST, f"tracker.figures={str(name == '_draw').lower()}", code=143)
    assert only_record(tmp_path)[0]["status"] == "complete"
    assert "complete" in done.stdout


@pytest.mark.parametrize(
    ("owner", "name"), slow_if([(attempt, "summary_table")], [(attempt, "summary_table"), (run.Run, "_describe")])
)
def test_a_sweep_stops_and_says_how_to_go_on(strike, monkeypatch, zsl_run, tmp_path, owner, name):
    strike(owner, name, signal.SIGTERM)
    done = zsl_run("-m", *TRAINED, "seed=0,1", code=143)
    assert only_record(tmp_path)[0]["status"] == ("complete" if name == "summary_table" else "interrupted")
    assert "not started" in done.stdout
    assert "Repeat the command to continue" in done.stdout
    monkeypatch.undo()
    assert "2 of 2 runs complete" in zsl_run("-m", *TRAINED, "seed=0,1").stdout


def test_between_the_jobs_of_a_sweep(strike, zsl_run, tmp_path):
    strike(command, "_started", signal.SIGHUP)
    done = zsl_run("-m", *FAST, "seed=0,1", code=129)
    assert list(tmp_path.glob("outputs/*/*/*/result.json")) == []
    assert "2 not started" in done.stdout


def test_while_modules_are_loaded(strike, zsl_run, tmp_path):
    strike(command, "perform", signal.SIGINT)
    done = zsl_run(*FAST, code=130)
    assert done.stderr == ""
    assert not (tmp_path / "outputs").exists()


def test_a_second_signal_acts_at_once_and_the_run_counts_as_cut_short(strike, launch, tmp_path, capsys):
    from zsl_runner.report.cli import main

    strike(run, "load", signal.SIGHUP, signal.SIGTERM)
    process, _ = launch(tmp_path, *TRAINED)
    process.join(timeout=120)
    assert process.exitcode == -signal.SIGTERM
    result, directory = only_record(tmp_path)
    assert result["status"] == "running"
    assert not is_held(directory)
    assert main([str(tmp_path / "outputs")]) == 0
    assert "cut short" in capsys.readouterr().out


def test_nohup_is_respected(strike, zsl_run, tmp_path, monkeypatch):
    strike(run.Run, "_describe", signal.SIGHUP)
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        zsl_run(*FAST)
    finally:
        signal.signal(signal.SIGHUP, before)
    assert only_record(tmp_path)[0]["status"] == "complete"


def test_handlers_are_given_back():
    before = {number: signal.getsignal(number) for number in CODES}
    stop = StopRequest()
    with stop.listening():
        assert signal.getsignal(signal.SIGTERM) not in before.values()
        with stop.listening(), stop.deferred():
            os.kill(os.getpid(), signal.SIGHUP)
            time.sleep(0)
            assert stop.requested()
    assert {number: signal.getsignal(number) for number in CODES} == before
    assert stop.code == 129
    with stop.listening():
        assert not stop.requested()


def test_where_nothing_would_be_lost_a_signal_ends_the_work_at_once():
    stop = StopRequest()
    with stop.listening():
        with pytest.raises(KeyboardInterrupt), stop.interrupting():
            os.kill(os.getpid(), signal.SIGTERM)
        with pytest.raises(KeyboardInterrupt), stop.interrupting():
            pytest.fail("the work began after the signal")


def test_a_worker_stops_and_leaves_when_the_command_it_works_for_is_killed():
    with subprocess.Popen(
        [sys.executable, "-c", COMMAND], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "at work\n"
        process.kill()
        assert process.stdout.read() == "saved\n"  # to the end: nobody holds the pipe any more
        assert process.stderr.read() == "\nstopping as soon as the state is saved; once more stops at once\n"


def test_the_command_itself_may_outlive_what_started_it():
    before = threading.active_count()
    with ending_with(os.getpid()):
        assert threading.active_count() == before
    with ending_with(os.getppid()):
        assert threading.active_count() == before + 1


@pytest.mark.slow
def test_a_terminal_that_closes_stops_the_run_like_a_signal(tmp_path):
    arguments = [*TRAINED, f"outputs={tmp_path / 'outputs'}", "tracker.progress=bar", "trainer.pretrain_steps=1000000"]
    terminal, inner = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "zsl_runner.train", *arguments],
        stdin=inner,
        stdout=inner,
        stderr=inner,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # the terminal is its own, as a pane's is
    )
    os.close(inner)
    shown = b""
    while b"steps/s" not in shown:  # the bar is drawn: the run is in its steps
        shown += os.read(terminal, 4096)
    os.close(terminal)
    try:
        assert process.wait(timeout=120) == 129
    finally:
        process.kill()
    result, directory = only_record(tmp_path)
    assert result["status"] == "interrupted"
    assert list((directory / "checkpoints").iterdir()) != []
