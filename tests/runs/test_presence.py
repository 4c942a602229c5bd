"""A run whose process is gone is not shown as running, and what cannot be known is not claimed."""

import errno
import fcntl
import platform

import pytest

from zsl_runner.files.locks import LOCK, exclusive
from zsl_runner.report.collect import FoundRun
from zsl_runner.report.notes import on_unfinished
from zsl_runner.runs.presence import state_of, told
from zsl_runner.runs.result import Result


def record(status="running", host=None):
    return Result(status, "sgal", "cub", "em", 0, "hash", host=host)


@pytest.mark.parametrize("status", ["complete", "failed", "interrupted"])
def test_a_final_status_stands_wherever_the_run_was(tmp_path, status):
    assert state_of(tmp_path, record(status, "elsewhere")) == status


@pytest.mark.parametrize("host", [None, platform.node()])
def test_a_run_whose_lock_is_free_was_cut_short(tmp_path, host):
    assert state_of(tmp_path, record(host=host)) == "cut short"  # killed before it had a lock
    with exclusive(tmp_path):
        assert state_of(tmp_path, record(host=host)) == "running"
    assert state_of(tmp_path, record(host=host)) == "cut short"


def test_a_run_that_ends_while_it_is_read_was_running(tmp_path):
    read = record(host=platform.node())
    record("complete", platform.node()).save(tmp_path)
    assert state_of(tmp_path, read) == "running"


def test_of_another_machine_a_held_lock_is_believed_and_a_free_one_is_not(tmp_path):
    result = record(host="node7.elsewhere")
    with exclusive(tmp_path):
        assert state_of(tmp_path, result) == "running"
    assert state_of(tmp_path, result) == "unknown"
    assert told(tmp_path, result) == "unknown whether it still runs, on node7.elsewhere"
    (note,) = on_unfinished([FoundRun(tmp_path, result)])
    assert note.startswith(f"unknown whether it still runs, on node7.elsewhere: {tmp_path} (seed 0); if it does not: ")
    assert note.endswith(f"zsl-run resume={tmp_path}")


def test_without_locks_nobody_knows(tmp_path, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    (tmp_path / LOCK).touch()
    monkeypatch.setattr(fcntl, "flock", refused)
    assert state_of(tmp_path, record(host=platform.node())) == "unknown"
    assert told(tmp_path, record()) == "unknown whether it still runs: its lock cannot be read here"


def test_the_host_is_recorded_and_old_records_have_none(tmp_path):
    record(host="a").save(tmp_path)
    assert Result.load(tmp_path).host == "a"
    (tmp_path / "result.json").write_text((tmp_path / "result.json").read_text().replace('  "host": "a",\n', ""))
    assert Result.load(tmp_path).host is None
