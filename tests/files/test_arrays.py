"""Arrays that were damaged on the disk are none."""

import numpy as np
import pytest

from zsl_runner.errors import RunError
from zsl_runner.files.arrays import kept_arrays, write_arrays

ARRAYS = {"rows": np.arange(6, dtype=np.float32).reshape(2, 3), "words": np.array(["one", "two"])}


def test_what_was_written_is_read(tmp_path):
    write_arrays(tmp_path / "kept.npz", ARRAYS)
    found = kept_arrays(tmp_path / "kept.npz")
    assert found.keys() == ARRAYS.keys()
    for name, values in ARRAYS.items():
        np.testing.assert_array_equal(found[name], values)
    assert kept_arrays(tmp_path / "absent.npz") is None
    assert kept_arrays(tmp_path) is None
    np.save(tmp_path / "one.npz.npy", ARRAYS["rows"])
    assert kept_arrays(tmp_path / "one.npz.npy") is None


@pytest.mark.parametrize("change", [1, 8, 255])
def test_a_damaged_byte_leaves_the_arrays_equal_or_absent(tmp_path, change):
    """For some bytes zipfile raises that a method is not implemented, for others that a password is missing."""
    path = tmp_path / "kept.npz"
    write_arrays(path, ARRAYS)
    whole = path.read_bytes()
    absent = 0
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ change]) + whole[place + 1 :])
        found = kept_arrays(path)
        absent += found is None or found.keys() != ARRAYS.keys()
        for name in (found or {}).keys() & ARRAYS.keys():
            np.testing.assert_array_equal(found[name], ARRAYS[name])
    assert absent > sum(values.nbytes for values in ARRAYS.values())


def test_a_pipe_holds_no_arrays(tmp_path, pipe):
    pipe(tmp_path / "kept.npz")
    assert kept_arrays(tmp_path / "kept.npz") is None
    write_arrays(tmp_path / "kept.npz", ARRAYS)
    assert kept_arrays(tmp_path / "kept.npz").keys() == ARRAYS.keys()


def test_what_cannot_be_written_is_said(tmp_path):
    with pytest.raises(RunError, match="cannot be written"):
        write_arrays(tmp_path / "no" / "folder.npz", ARRAYS)
