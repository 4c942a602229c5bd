import errno
import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from zsl_runner.checkpoint import Checkpoints
from zsl_runner.errors import CheckpointError


def checkpoints(directory, keep=2):
    return Checkpoints(directory / "checkpoints", keep)


def test_round_trip_and_retention(tmp_path):
    kept = checkpoints(tmp_path)
    for step in (5, 10, 1000000):
        kept.save(step, {"step": step, "weights": {"w": torch.arange(3)}})
    assert [path.name for path in kept.files()] == ["step-000000010.pt", "step-001000000.pt"]
    state = kept.newest().state
    assert state["step"] == 1000000
    assert torch.equal(state["weights"]["w"], torch.arange(3))


def test_nothing_there(tmp_path):
    assert checkpoints(tmp_path).newest() is None


def test_a_damaged_file_is_passed_over_with_a_warning(tmp_path, caplog):
    kept = checkpoints(tmp_path)
    kept.save(1, {"step": 1})
    path = kept.save(2, {"step": 2})
    path.write_bytes(path.read_bytes()[:200])
    assert kept.newest().state == {"step": 1}
    assert "damaged checkpoint" in caplog.text
    assert path.name in caplog.text


def test_only_damaged_files_are_an_error(tmp_path):
    kept = checkpoints(tmp_path)
    kept.save(1, {"step": 1}).write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"no checkpoint in .* can be read"):
        kept.newest()


def test_nothing_in_a_checkpoint_is_executed(tmp_path):
    kept = checkpoints(tmp_path)
    kept.directory.mkdir()
    torch.save({"format": 1, "config_hash": "", "torch": "", "state": print}, kept.directory / "step-000000001.pt")
    with pytest.raises(CheckpointError, match="UnpicklingError"):
        kept.newest()


def test_a_full_disk_is_one_clear_error_and_leaves_the_earlier_checkpoint(tmp_path, monkeypatch):
    kept = checkpoints(tmp_path)
    kept.save(1, {"step": 1})

    def full(_descriptor):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(CheckpointError, match=r"step-000000002\.pt.*No space left.*free disk space"):
        kept.save(2, {"step": 2})
    assert kept.newest().state == {"step": 1}
    assert len(list(kept.directory.iterdir())) == 1


WRITER = """
import sys, pathlib, torch
from zsl_runner.checkpoint import Checkpoints
kept = Checkpoints(pathlib.Path(sys.argv[1]) / "checkpoints", 2)
for step in range(1, 10**6):
    kept.save(step, {"step": step, "weights": torch.full((300_000,), float(step))})
    print(step, flush=True)
"""


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.011])
def test_a_kill_while_writing_leaves_a_whole_checkpoint(tmp_path, delay):
    with subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if int(line) >= 5:
                break
        time.sleep(delay)
        process.send_signal(signal.SIGKILL)
    saved = checkpoints(tmp_path).newest()
    assert saved is not None
    state = saved.state
    assert state["step"] >= 5
    assert torch.equal(state["weights"], torch.full((300_000,), float(state["step"])))
