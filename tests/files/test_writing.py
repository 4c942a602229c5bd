"""Whole files or nothing, and nothing of killed writers stays."""

import os
import time

import pytest

from zsl_runner.errors import RunError
from zsl_runner.files import writing as atomic
from zsl_runner.files.writing import remove_leftovers, replacing, write_bytes, write_parts, write_text


class Killed(BaseException):
    """Ends a writer at once."""


def test_a_file_is_replaced_in_one_step(tmp_path):
    path = tmp_path / "file"
    write_text(path, "one")
    with replacing(path) as temporary:
        temporary.write_text("two")
        assert path.read_text() == "one"
    assert path.read_text() == "two"
    assert os.listdir(tmp_path) == ["file"]


def test_all_is_on_the_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    done = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: done.append(os.fstat(file).st_size) or fsync(file))
    monkeypatch.setattr(os, "replace", lambda *places: done.append("named") or replace(*places))
    write_text(tmp_path / "file", "four")
    assert done == [4, "named"]


def fail_half_way(path, error):
    with replacing(path) as temporary:
        temporary.write_text("half")
        raise error


def test_whatever_goes_wrong_the_old_file_stays_alone(tmp_path):
    path = tmp_path / "file"
    write_bytes(path, b"one")
    for error in (Killed, OSError, ValueError):
        with pytest.raises(error):
            fail_half_way(path, error)
        assert path.read_bytes() == b"one"
        assert os.listdir(tmp_path) == ["file"]


def test_parts_are_written_one_after_the_other_or_not_at_all(tmp_path):
    path = tmp_path / "file"
    write_parts(path, iter(("é,", "1\n", "\udcff")))
    assert path.read_bytes() == "é,1\n".encode() + b"\xff"
    with pytest.raises(ZeroDivisionError):
        write_parts(path, (str(1 // number) for number in (1, 0)))
    assert os.listdir(tmp_path) == ["file"]
    assert path.read_bytes().startswith("é".encode())


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    with pytest.raises(RunError, match=r"absent/file: cannot be written: No such file or directory"):
        write_text(tmp_path / "absent" / "file", "text")


def leave(tmp_path, monkeypatch, name):
    """Write as a process that is killed before it renames and cannot clean up."""
    with monkeypatch.context() as patch:
        patch.setattr(atomic.os, "replace", lambda *_: (_ for _ in ()).throw(Killed))
        patch.setattr(type(tmp_path), "unlink", lambda *_, **__: None)
        with pytest.raises(Killed):
            write_text(tmp_path / name, "half")
    return [path for path in tmp_path.iterdir() if path.name.endswith(".tmp")]


def test_leftovers_are_removed_when_nobody_can_be_writing_any_more(tmp_path, monkeypatch):
    kept = [tmp_path / name for name in (".hidden", "a.tmp", ".a.tmp", ".tmp", "result.json")]
    for path in kept:
        path.write_text("somebody's")
        os.utime(path, (1, 1))
    (leftover,) = set(leave(tmp_path, monkeypatch, "result.json")) - set(kept)
    remove_leftovers(tmp_path)
    assert leftover.exists()
    old = time.time() - atomic.LEFTOVER_SECONDS - 1
    os.utime(leftover, (old, old))
    remove_leftovers(tmp_path)
    assert not leftover.exists()
    (leftover,) = set(leave(tmp_path, monkeypatch, "result.json")) - set(kept)
    remove_leftovers(tmp_path, older_than=0)
    assert sorted(tmp_path.iterdir()) == sorted(kept)
    remove_leftovers(tmp_path / "absent")
