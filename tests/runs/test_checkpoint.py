import contextlib
import errno
import io
import os
import pickle
import signal
import subprocess
import sys
import time
import zipfile
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.slow import slow_if
from zsl_runner.errors import CheckpointError
from zsl_runner.runs.checkpoint import Checkpoints, read


def checkpoints(directory):
    return Checkpoints(directory / "checkpoints", 2)


def test_round_trip_and_retention(tmp_path):
    kept = checkpoints(tmp_path)
    for step in (5, 10, 1000000):
        kept.save(step, {"step": step, "weights": {"w": torch.arange(3)}})
    assert [path.name for path in kept.files()] == ["step-000000010.pt", "step-001000000.pt"]
    state = kept.newest().state
    assert state["step"] == 1000000
    assert torch.equal(state["weights"]["w"], torch.arange(3))


@pytest.mark.parametrize(
    ("part", "kind"), [(np.int64(3), "numpy.int64"), (np.zeros(2), "numpy.ndarray"), (print, "builtin_function")]
)
def test_a_state_that_could_never_be_read_is_refused_when_it_is_saved(tmp_path, part, kind):
    kept = checkpoints(tmp_path)
    kept.save(1, {"trainer": {"done": 1}})
    with pytest.raises(CheckpointError, match=rf"could never be read: trainer\.done is a {kind}.*a state_dict\(\) may"):
        kept.save(2, {"trainer": {"done": part}})
    assert kept.newest().state == {"trainer": {"done": 1}}


def test_whatever_torch_loads_without_executing_it_may_be_saved(tmp_path):
    state = {
        "size": torch.Size([2]),
        "type": torch.float16,
        "device": torch.device("cpu"),
        "ordered": OrderedDict(a=[(1, None), {2: "b"}]),
        "complex": 1j,
        "set": {1, 2},
    }
    state = {key: value for key, value in state.items() if loads(value)}
    assert {"size", "type", "device", "ordered"} <= state.keys()
    kept = checkpoints(tmp_path)
    kept.save(1, state)
    assert kept.newest().state == state


def loads(value):
    file = io.BytesIO()
    torch.save(value, file)
    file.seek(0)
    with contextlib.suppress(pickle.UnpicklingError):
        return torch.load(file, weights_only=True) == value
    return False


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


@pytest.mark.parametrize("keep", [1, 2])
def test_what_is_saved_behind_damaged_files_of_later_steps_stays(tmp_path, keep):
    before = Checkpoints(tmp_path / "checkpoints", 4)
    for step in (10, 20, 30, 40):
        path = before.save(step, {"step": step})
        if step > 20:
            path.write_bytes(b"damaged")
    kept = Checkpoints(tmp_path / "checkpoints", keep)
    for step in (21, 22):
        kept.save(step, {"step": step})
        assert kept.newest().state == {"step": step}
    whole = [path.name for path in kept.files() if path.read_bytes() != b"damaged"]
    assert whole == ["step-000000021.pt", "step-000000022.pt"][-keep:]


def test_a_pipe_in_the_place_of_a_checkpoint_is_passed_over(tmp_path, pipe, caplog):
    kept = checkpoints(tmp_path)
    kept.save(1, {"step": 1})
    path = kept.save(2, {"step": 2})
    pipe(path)
    assert kept.newest().state == {"step": 1}
    assert f"{path}: OSError: expected a file" in caplog.text


def test_only_damaged_files_are_an_error(tmp_path):
    kept = checkpoints(tmp_path)
    kept.save(1, {"step": 1}).write_bytes(b"")
    with pytest.raises(CheckpointError, match=r"no checkpoint in .* can be read; .* once they are removed, resume="):
        kept.newest()


def test_nothing_in_a_checkpoint_is_executed(tmp_path):
    kept = checkpoints(tmp_path)
    kept.directory.mkdir()
    torch.save({"format": 1, "config_hash": "", "torch": "", "state": print}, kept.directory / "step-000000001.pt")
    with pytest.raises(CheckpointError, match="UnpicklingError"):
        kept.newest()


@pytest.mark.parametrize(
    ("number", "remedy"),
    [(errno.ENOSPC, "free disk space"), (errno.EDQUOT, "free disk space"), (errno.EACCES, "mend that")],
)
def test_a_failing_disk_is_one_clear_error_and_leaves_the_earlier_checkpoint(tmp_path, monkeypatch, number, remedy):
    kept = checkpoints(tmp_path)
    kept.save(1, {"step": 1})

    def fails(_descriptor):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", fails)
    expected = rf"step-000000002\.pt.*{os.strerror(number)}; kept: step-000000001\.pt; {remedy} and resume"
    with pytest.raises(CheckpointError, match=expected):
        kept.save(2, {"step": 2})
    assert kept.newest().state == {"step": 1}
    assert len(list(kept.directory.iterdir())) == 1


WRITER = """
import sys, pathlib, torch
from zsl_runner.runs.checkpoint import Checkpoints
kept = Checkpoints(pathlib.Path(sys.argv[1]) / "checkpoints", 2)
for step in range(1, 10**6):
    kept.save(step, {"step": step, "weights": torch.full((300_000,), float(step))})
    print(step, flush=True)
"""


@pytest.mark.parametrize("delay", slow_if([0.0, 0.011], [0.0, 0.003, 0.011]))
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


def state_of(weights=5):
    return {"step": 3, "weights": {"w": torch.arange(weights), "name": "β", "list": [1.5, None, True]}}


def equal(first, second):
    if isinstance(first, torch.Tensor):
        return isinstance(second, torch.Tensor) and torch.equal(first, second)
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(equal(first[key], second[key]) for key in first)
    return first == second


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The bytes of a checkpoint of this format, and of one of format 1."""
    kept = checkpoints(tmp_path_factory.mktemp("whole"))
    path = kept.save(3, state_of(), {"seed": 1}, {"status": "running"}, {"rows": 2})
    older = path.with_name("older.pt")
    torch.save({"format": 1, "config_hash": "abc", "torch": str(torch.__version__), "state": state_of()}, older)
    return path.read_bytes(), older.read_bytes()


def test_every_flipped_bit_is_noticed(files, tmp_path):
    content = files[0]
    path = tmp_path / "step-000000003.pt"
    for place in range(0, len(content), 7):
        path.write_bytes(content[:place] + bytes([content[place] ^ (1 << place % 8)]) + content[place + 1 :])
        with pytest.raises(Exception):  # noqa: B017, PT011  (of any kind: it is passed over)
            read(path, {})


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_damage_yields_another_state(files, tmp_path_factory, data):
    version = data.draw(st.sampled_from([0, 1]))
    content = bytearray(files[version])
    place = data.draw(st.integers(0, len(content) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "insert", "truncate", "swap"]))
    if kind == "flip":
        content[place] ^= data.draw(st.integers(1, 255))
    elif kind == "cut":
        del content[place : place + data.draw(st.integers(1, 100))]
    elif kind == "insert":
        content[place:place] = data.draw(st.binary(min_size=1, max_size=100))
    elif kind == "truncate":
        del content[place:]
    else:
        content = content[place:] + content[:place]
    path = tmp_path_factory.getbasetemp() / "step-000000003.pt"
    path.write_bytes(content)
    try:
        found = read(path, {})
    except Exception:  # passed over
        return
    assert version == 1 or bytes(content) == files[0]
    assert equal(found["state"], state_of())


def test_an_impossible_size_is_noticed_before_memory_is_asked_for(files, tmp_path):
    """The size of a member of format 1 as its header tells it; torch would ask for so much at once."""
    content = bytearray(files[1])
    (where,) = [at for at in range(len(content) - 4) if content[at : at + 4] == b"PK\x01\x02"][-1:]
    content[where + 24 : where + 28] = (2**31).to_bytes(4, "little")
    path = tmp_path / "step-000000003.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="has an impossible size"):
        read(path, {})


def test_a_member_that_became_a_folder_is_noticed(files, tmp_path):
    """No checksum of format 1 covers the attributes of its members."""
    content = bytearray(files[1])
    data = content.rindex(b"older/data/0")
    content[data - 8] ^= 0x10
    path = tmp_path / "step-000000003.pt"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="its member older/data/0 is marked as a folder"):
        read(path, {})


def test_a_damaged_file_is_said_and_the_one_before_is_taken(tmp_path, caplog):
    kept = checkpoints(tmp_path)
    kept.save(1, state_of(1))
    path = kept.save(2, state_of(2000))
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    found = kept.newest()
    assert found.path.name == "step-000000001.pt"
    assert equal(found.state, state_of(1))
    assert "its content does not have its checksum" in caplog.text


@pytest.mark.parametrize("fields", [{"step": str}, {"absent": int}])
def test_a_state_without_what_is_required_is_passed_over(tmp_path, fields):
    kept = Checkpoints(tmp_path / "checkpoints", 2, fields)
    kept.save(1, state_of())
    with pytest.raises(CheckpointError, match=f"{next(iter(fields))}: expected"):
        kept.newest()


def test_other_programs_of_torch_can_read_it(files, tmp_path):
    (tmp_path / "one.pt").write_bytes(files[0])
    content = torch.load(tmp_path / "one.pt", weights_only=True)
    assert equal(content["state"], state_of())
    assert content["config"] == {"seed": 1}
    assert zipfile.ZipFile(tmp_path / "one.pt").testzip() is None


@pytest.mark.parametrize("room", [0, 100, 5_000, 80_000, -300])
def test_a_disk_that_fills_up_while_writing(tmp_path, monkeypatch, room):
    """With so much room, or so much less than the file takes: then only the archive's list of parts does not fit."""
    kept = checkpoints(tmp_path)
    kept.save(1, state_of(1))
    if room < 0:
        whole = Checkpoints(tmp_path / "whole", 2)
        whole.save(2, state_of(10_000))
        (file,) = whole.files()
        room += file.stat().st_size
        assert room > zipfile.ZipFile(file).start_dir
    plain_open = Path.open

    class Full(io.BufferedIOBase):
        def __init__(self, file):
            self.file, self.left = file, room

        def write(self, data):
            self.left -= len(data)
            if self.left < 0:
                raise OSError(errno.ENOSPC, "No space left on device")
            return self.file.write(data)

        def flush(self):
            self.file.flush()

    def opened(path, mode="r", *arguments, **options):
        file = plain_open(path, mode, *arguments, **options)
        return contextlib.nullcontext(Full(file)) if mode == "xb" else file

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", opened)
        with pytest.raises(CheckpointError) as caught:
            kept.save(2, state_of(10_000))
    message = str(caught.value)
    assert "step-000000002.pt: the checkpoint cannot be written: No space left on device" in message
    assert "kept: step-000000001.pt; free disk space and resume" in message
    assert [path.name for path in kept.directory.iterdir()] == ["step-000000001.pt"]
    assert equal(kept.newest().state, state_of(1))


LIMITED = """
import pathlib, resource, signal, sys, torch
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.errors import CheckpointError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))
try:
    Checkpoints(pathlib.Path(sys.argv[1]) / "checkpoints", 2).save(2, {"w": torch.zeros(100_000)})
except CheckpointError as error:
    print(error)
"""


def test_a_file_that_may_not_grow_is_named(tmp_path):
    kept = checkpoints(tmp_path)
    kept.save(1, state_of(1))
    done = subprocess.run([sys.executable, "-c", LIMITED, str(tmp_path)], capture_output=True, text=True, check=True)
    assert "step-000000002.pt: the checkpoint cannot be written: File too large; kept: step-000000001.pt" in done.stdout
    assert [path.name for path in kept.directory.iterdir()] == ["step-000000001.pt"]


def test_a_folder_or_a_file_that_may_not_be_read_is_no_damage(tmp_path, monkeypatch):
    kept = checkpoints(tmp_path)
    kept.save(1, state_of(1))
    newest = kept.save(2, state_of(2))
    plain_open = Path.open

    def refused(path, *arguments, **options):
        if path == newest:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return plain_open(path, *arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", refused)
        with pytest.raises(CheckpointError, match=r"step-000000002\.pt: cannot be read: Permission denied"):
            kept.newest()
    (tmp_path / "other").write_text("a file where the folder should be")
    with pytest.raises(CheckpointError, match="other: cannot be read: Not a directory"):
        Checkpoints(tmp_path / "other").newest()
