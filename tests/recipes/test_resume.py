"""A run that was killed at any moment continues to the bits of a run that never was."""

import fcntl
import os
import signal
import time
from pathlib import Path

import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tests.recipes.comparison import same_end, straight_run
from tests.recipes.conftest import QUICK
from tests.results import recorded


@pytest.fixture(scope="module")
def straight(tmp_path_factory, launch):
    return straight_run(tmp_path_factory, launch, *QUICK)


@pytest.fixture
def killed_at(tmp_path, kill_at):
    """Return what starts a run, kills it when the checkpoint of a step exists, and gives its directory."""

    def kill(step: int, name: str) -> Path:
        return kill_at(step, tmp_path / "outputs/sgal/toy" / name, *QUICK)

    return kill


@pytest.mark.parametrize(
    "step",
    [
        pytest.param(10, id="tune-seen", marks=pytest.mark.slow),
        pytest.param(70, id="tune-em"),
        pytest.param(130, id="final-seen", marks=pytest.mark.slow),
        pytest.param(190, id="final-em", marks=pytest.mark.slow),
    ],
)
def test_kill_in_the_middle_of_any_phase(straight, killed_at, zsl_run, step):
    directory = killed_at(step, "killed")
    zsl_run(f"resume={directory}")
    same_end(straight, directory)


def test_kill_before_the_first_checkpoint_starts_over_in_place(straight, tmp_path, launch, zsl_run):
    directory = tmp_path / "outputs/sgal/toy/early"
    process, _ = launch(tmp_path, *QUICK, "name=early", "checkpoint.every=1000")
    while not (directory / "metrics.csv").exists():
        time.sleep(0.001)
    process.kill()
    process.join()
    zsl_run(f"resume={directory}")
    same_end(straight, directory)


def test_a_torn_checkpoint_and_a_torn_row_do_no_harm(straight, killed_at, zsl_run):
    directory = killed_at(90, "torn")
    newest = sorted((directory / "checkpoints").glob("step-*.pt"))[-1]
    (newest.parent / f".{newest.name}.123.tmp").write_bytes(newest.read_bytes()[:1000])
    newest.write_bytes(newest.read_bytes()[:1000])
    with (directory / "metrics.csv").open("a") as file:
        file.write("97,tune,em,tune/em/lo")
    done = zsl_run(f"resume={directory}")
    assert "damaged checkpoint" in done.stdout + done.stderr
    same_end(straight, directory)


def test_a_polite_stop_saves_and_says_how_to_go_on(straight, tmp_path, launch, zsl_run):
    directory = tmp_path / "outputs/sgal/toy/stopped"
    process, log = launch(tmp_path, *QUICK, "name=stopped")
    while not list(directory.glob("checkpoints/step-*.pt")):
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGTERM)
    process.join()
    assert process.exitcode == 143
    assert "zsl-run resume=" in Path(f"{log}.err").read_text()
    assert recorded(directory)["status"] == "interrupted"
    zsl_run(f"resume={directory}")
    same_end(straight, directory)


@pytest.mark.slow
def test_events_that_begin_with_a_resumption_have_what_those_of_a_whole_run_have(straight, kill_at, tmp_path, zsl_run):
    directory = kill_at(70, tmp_path / "outputs/sgal/toy/silent", *QUICK, "tracker.tensorboard=false")
    assert not list(directory.glob("events.*"))
    zsl_run(f"resume={directory}", "tracker.tensorboard=true")
    same_end(straight, directory)
    runs = (straight, directory)
    whole, late = (EventAccumulator(str(run), {"tensors": 0}).Reload().Tags()["tensors"] for run in runs)
    assert {"config/text_summary", "command/text_summary", "custom_scalars__config__"} <= set(whole)
    assert set(late) == set(whole)


def test_a_complete_run_is_only_reported(straight, zsl_run):
    before = {path: path.stat().st_mtime_ns for path in straight.rglob("*") if path.name != ".lock"}
    done = zsl_run(f"resume={straight}")
    assert "complete" in done.stdout
    assert before == {path: path.stat().st_mtime_ns for path in straight.rglob("*") if path.name != ".lock"}


def test_two_processes_never_work_on_one_run(killed_at, zsl_run):
    directory = killed_at(10, "locked")
    with (directory / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = zsl_run(f"resume={directory}", code=1)
    assert "another process" in done.stderr
    assert "Traceback" not in done.stderr
