"""Full and read-only disks below a run: one line, the work so far kept."""

import contextlib
import errno
import os
import signal
import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.launching.conftest import FAST, TRAINED
from tests.results import only_record
from zsl_runner.config.quoting import again
from zsl_runner.console.signals import STOP
from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.runs import run
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.runs.stage import StageRun
from zsl_runner.tracking import tracker as tracking


@pytest.fixture
def disk(tmp_path):
    """Return what mounts a small file system of its own; skip where that is not allowed."""
    mounted = []

    def mount(size):
        folder = tmp_path / f"disk{len(mounted)}"
        folder.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], capture_output=True, check=False
        )
        if done.returncode:
            pytest.skip("mounting is not allowed here")
        mounted.append(folder)
        return folder

    yield mount
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def read_only(folder):
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)


def full(*_arguments, **_keywords):
    raise OSError(errno.ENOSPC, "No space left on device")


def one_line(done):
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda place: place.symlink_to("nowhere"), "is a link to nowhere, which is not there"),
        (lambda place: place.symlink_to(place.name), "Too many levels of symbolic links"),
        (lambda place: place.touch(), "is a file; expected a folder"),
    ],
    ids=["dangling link", "link to itself", "file"],
)
@pytest.mark.parametrize("below", ["", "/deeper/still"])
def test_outputs_that_cannot_be_are_refused_before_anything_is_done(problems, tmp_path, make, reason, below):
    make(tmp_path / "place")
    assert reason in problems("dataset=toy", f"outputs={tmp_path}/place{below}")["outputs"][0]


def test_names_that_are_too_long_and_a_tilde(problems, tmp_path):
    assert "File name too long" in problems("dataset=toy", f"outputs={tmp_path}/{'a' * 300}")["outputs"][0]
    assert "only a shell expands ~" in problems("dataset=toy", "outputs='~/runs'")["outputs"][0]


def test_a_read_only_file_system_is_named(problems, disk):
    folder = disk("1m")
    read_only(folder)
    assert "read-only file system" in problems("dataset=toy", f"outputs={folder}/runs")["outputs"][0]


def test_a_folder_that_is_there_and_one_that_can_be_made_are_taken(problems, tmp_path):
    assert problems("dataset=toy", f"outputs={tmp_path}") == {}
    (tmp_path / "link").symlink_to(tmp_path)
    assert problems("dataset=toy", f"outputs={tmp_path}/link/new") == {}


@pytest.mark.parametrize(
    ("given", "option"),
    [(["outputs=no/x"], "outputs"), (["-m", "hydra.sweep.dir=no/x", "seed=0,1"], "hydra.sweep.dir")],
)
def test_a_folder_that_no_file_system_makes_is_refused(zsl_run, tmp_path, monkeypatch, given, option):
    """As /proc does, where everybody may write by its permissions."""
    mkdir = os.mkdir

    def refusing(path, *arguments):
        if "no" in Path(path).parts:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory")
        mkdir(path, *arguments)

    monkeypatch.setattr(os, "mkdir", refusing)
    (line,) = one_line(zsl_run(*given, *FAST, code=2))
    assert line.endswith(f"cannot be created: No such file or directory; choose another folder with {option}=DIR")
    assert not list(tmp_path.glob("no")) + list(tmp_path.glob("outputs"))


def test_a_disk_that_fills_up(disk, zsl_run, monkeypatch):
    folder, inner = disk("100m"), Checkpoints.save

    def save(self, step, state, *records):
        path = inner(self, step, state, *records)
        with (folder / "filler").open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(4096))
        return path

    monkeypatch.setattr(Checkpoints, "save", save)
    done = zsl_run(*TRAINED, "tracker.log_every=1", f"outputs={folder}/outputs", code=1)
    lines = one_line(done)
    assert "cannot be written" in lines[0]
    assert lines[1:] == [f"the run is kept up to its newest checkpoint; continue with: {again(only_record(folder)[1])}"]
    (folder / "filler").unlink()
    monkeypatch.undo()
    zsl_run(f"resume={only_record(folder)[1]}", "checkpoint.keep=1")
    assert only_record(folder)[0]["status"] == "complete"


def test_events_and_figures_that_cannot_be_written_cost_no_result(zsl_run, tmp_path, monkeypatch):
    from torch.utils.tensorboard import writer

    monkeypatch.setattr(writer.FileWriter, "add_summary", full)
    monkeypatch.setattr(tracking, "write_bytes", full)
    done = zsl_run(*FAST, "tracker=default", "tracker.progress=none")
    result, directory = only_record(tmp_path)
    assert result["status"] == "complete"
    assert any("TensorBoard's events not written" in warning for warning in result["warnings"])
    assert any("figure confusion not written" in warning for warning in result["warnings"])
    assert done.stdout.count("TensorBoard's events was") + done.stderr.count("TensorBoard's events was") == 1
    assert list((directory / "figures").iterdir()) == []


def test_a_record_that_cannot_be_written_at_the_end_leaves_a_run_to_go_on_with(zsl_run, tmp_path, monkeypatch):
    def test(self, *arguments):
        inner(self, *arguments)
        monkeypatch.setattr("zsl_runner.files.writing.os.fsync", full)

    inner = StageRun.test
    monkeypatch.setattr(StageRun, "test", test)
    done = zsl_run(*TRAINED, code=1)
    assert "No space left on device" in done.stderr
    result, directory = only_record(tmp_path)
    assert result["status"] == "running"
    monkeypatch.undo()
    zsl_run(f"resume={directory}")
    assert only_record(tmp_path)[0]["status"] == "complete"


def test_a_stopped_run_whose_record_cannot_be_written_still_says_how_to_go_on(zsl_run, tmp_path, monkeypatch):
    def stop(self):
        if self.loop.global_step != 7:
            return False
        monkeypatch.setattr("zsl_runner.runs.result.write_text", full)
        STOP.signal = signal.SIGTERM
        return True

    monkeypatch.setattr(StageRun, "stop_requested", stop)
    done = zsl_run(*TRAINED, code=143)
    _, directory = only_record(tmp_path)
    assert one_line(done)[0] == f"interrupted; continue with: {again(directory.relative_to(tmp_path))}"
    monkeypatch.undo()
    zsl_run(f"resume={directory}")
    assert only_record(tmp_path)[0]["status"] == "complete"


def test_where_there_is_no_temporary_folder_its_variable_is_named(zsl_run, monkeypatch):
    def build(*_arguments):
        monkeypatch.setattr(tempfile, "tempdir", None)
        monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/sys"])
        tempfile.gettempdir()

    monkeypatch.setattr(run, "build_stage", build)
    lines = one_line(zsl_run(*FAST, code=1))
    assert lines[0].startswith("zsl-run: No usable temporary directory found in ['/proc/sys']; set TMPDIR to a folder")


def test_what_was_unforeseen_in_a_run_is_in_its_error_file(zsl_run, tmp_path, monkeypatch):
    def broken(*_arguments):
        raise KeyError("x")

    monkeypatch.setattr(run, "build_stage", broken)
    done = zsl_run(*FAST, code=1)
    kept = (only_record(tmp_path)[1] / "error.txt").read_text()
    assert "KeyError: 'x'" in done.stderr
    assert "error.txt" in done.stderr
    assert "command: " in kept
    assert "Traceback" in kept


def test_whatever_ends_a_run_that_has_a_directory_is_a_failure_of_the_run(zsl_run, tmp_path):
    synthesize(tmp_path / "data", ToyConf(name="toy"))
    unfit = ["dataset=xlsa17", f"dataset.root={tmp_path}/data", "dataset.name=mine", "dataset.validation_classes=99"]
    for _ in range(2):
        done = zsl_run(*unfit, "model=eszsl", "tracker=minimal", "existing=retry", code=1)
        assert "seen classes, found 99" in done.stderr
        assert only_record(tmp_path)[0]["status"] == "failed"


def test_notes_of_a_sweep_on_a_full_disk(zsl_run, tmp_path, monkeypatch):
    monkeypatch.setattr("zsl_runner.sweeps.notes.write_text", lambda path, _text: full(path))
    done = zsl_run("-m", *FAST, "seed=0,1", code=1)
    assert one_line(done)[-1].endswith("No space left on device")
    assert not list(tmp_path.glob("outputs/*/*/*/result.json"))


def test_a_run_and_a_resume_where_there_are_no_locks(zsl_run, tmp_path, monkeypatch):
    def flock(*_arguments):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr("fcntl.flock", flock)
    done = zsl_run(*FAST)
    assert (done.stdout + done.stderr).count("knows no locks") == 1
    assert only_record(tmp_path)[0]["status"] == "complete"


def test_scores_are_shown_although_they_cannot_be_kept(zsl_run, tmp_path):
    zsl_run(*FAST)
    directory = only_record(tmp_path)[1]
    (directory / "evaluations").touch()
    done = zsl_run(str(directory), module="zsl_runner.evaluate.cli")
    assert "test/H" in done.stdout
    assert len(one_line(done)) == 1
    assert "not kept" in done.stderr
