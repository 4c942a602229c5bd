"""The lock of a run directory, also where there are no locks."""

import errno
import fcntl
from contextlib import ExitStack

import pytest

from zsl_runner.errors import CheckpointError
from zsl_runner.files.locks import exclusive, is_held, one_at_a_time


def test_one_process_at_a_time(tmp_path):
    assert not is_held(tmp_path)
    assert list(tmp_path.iterdir()) == []  # asking writes nothing
    with exclusive(tmp_path):
        assert is_held(tmp_path)
        with pytest.raises(CheckpointError, match="another process"), exclusive(tmp_path):
            pytest.fail("two at a time")
    assert not is_held(tmp_path)


def test_who_only_asks_whether_it_is_held_is_waited_for(tmp_path, monkeypatch):
    asking, waits = (tmp_path / ".lock").open("w"), []
    fcntl.flock(asking, fcntl.LOCK_SH)

    def waited(seconds):
        waits.append(seconds)
        asking.close()

    monkeypatch.setattr("time.sleep", waited)
    with exclusive(tmp_path):
        assert is_held(tmp_path)
    assert len(waits) == 1


def test_who_wants_it_for_an_instant_waits_as_long_as_somebody_holds_it(tmp_path, monkeypatch):
    waits = []
    with ExitStack() as held:
        held.enter_context(exclusive(tmp_path))

        def waited(seconds):
            waits.append(seconds)
            if len(waits) == 40:
                held.close()

        monkeypatch.setattr("time.sleep", waited)
        with one_at_a_time(tmp_path):
            assert is_held(tmp_path)
    assert len(waits) == 40
    waits.clear()
    with pytest.raises(CheckpointError, match="cannot be written: No such file"), one_at_a_time(tmp_path / "absent"):
        pytest.fail("a lock in no folder")
    assert len(waits) < 40


@pytest.mark.parametrize("number", [errno.ENOSYS, errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL, errno.EBADF])
def test_a_file_system_without_locks_is_told_once(tmp_path, monkeypatch, caplog, number):
    def flock(*_arguments):
        raise OSError(number, "no locks")

    monkeypatch.setattr(fcntl, "flock", flock)
    monkeypatch.setattr("zsl_runner.files.locks._LOCKLESS", set())
    for _ in range(2):
        with exclusive(tmp_path):
            assert not is_held(tmp_path)
    (record,) = caplog.records
    assert "knows no locks" in record.getMessage()


@pytest.mark.parametrize("number", [errno.EWOULDBLOCK, errno.EACCES])
def test_a_lock_that_is_held(tmp_path, monkeypatch, number):
    def flock(*_arguments):
        raise OSError(number, "held")

    (tmp_path / ".lock").touch()
    monkeypatch.setattr(fcntl, "flock", flock)
    assert is_held(tmp_path)
    with pytest.raises(CheckpointError, match="another process"), exclusive(tmp_path):
        pytest.fail("it is held")


def test_a_directory_that_cannot_be_written(tmp_path):
    with pytest.raises(CheckpointError, match=r"\.lock: cannot be written: No such file"), exclusive(tmp_path / "no"):
        pytest.fail("there is none")
