"""SciPy's reader ends the process on some damaged tags: they are refused before it sees them."""

import contextlib
import multiprocessing
import zlib

import numpy as np
import pytest
from scipy.io import loadmat, savemat
from scipy.sparse import csc_matrix

from zsl_runner.data.sources.xlsa17.elements import check_elements
from zsl_runner.data.sources.xlsa17.matlab import read_variables, variable_names
from zsl_runner.errors import DataError

VARIABLES = {
    "features": np.arange(54.0).reshape(6, 9),
    "complex": np.array([[1 + 2j]]),
    "names": np.array(["a", "bb", "long enough to fill an element"], dtype=object)[:, None],
    "text": "abc",
    "nothing": np.empty((0, 0)),
    "struct": {"x": 1, "y": {"z": [1, 2]}},
    "sparse": csc_matrix(np.eye(4)),
    "flags": np.array([[True, False]]),
}


HEADER = b"MATLAB".ljust(124) + b"\x01\x00MI"


def element(kind, content, declared=None, padded=True):
    """Return an element of a big-endian file."""
    size = len(content) if declared is None else declared
    return kind.to_bytes(4, "big") + size.to_bytes(4, "big") + content + bytes(-len(content) % 8 if padded else 0)


def row_of_numbers(kind=9, declared=None):
    """Return the elements of a variable x, a row of four doubles; those of the numbers may be declared otherwise."""
    sizes, values = np.array([1, 4], dtype=">i4"), np.arange(4, dtype=">f8")
    described = element(6, (6).to_bytes(4, "big") + bytes(4)) + element(5, sizes.tobytes()) + element(1, b"x")
    return described + element(kind, values.tobytes(), declared)


@pytest.fixture(params=[False, True], ids=["plain", "packed"])
def file(request, tmp_path):
    path = tmp_path / "file.mat"
    savemat(path, VARIABLES, do_compression=request.param)
    return path


def test_what_scipy_writes_is_sound(file):
    check_elements(file)
    assert set(variable_names(file)) == set(VARIABLES)


def test_what_matlab_may_write_is_sound(file, tmp_path):
    """Big-endian files have their bytes the other way round."""
    path = tmp_path / "big.mat"
    path.write_bytes(HEADER + element(14, row_of_numbers()))
    check_elements(path)
    assert loadmat(path)["x"].tolist() == [[0, 1, 2, 3]]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        ({"kind": 99}, ValueError, "an element of type 99 where numbers or characters belong"),
        ({"declared": 40}, EOFError, "an element is larger than the array it is in"),
    ],
)
def test_elements_inside_a_variable_are_looked_at(tmp_path, packed, wrong, error, words):
    variable = element(14, row_of_numbers(**wrong))
    path = tmp_path / "wrong.mat"
    path.write_bytes(HEADER + (element(15, zlib.compress(variable), padded=False) if packed else variable))
    with pytest.raises(error, match=words):
        check_elements(path)


def _read_damaged(path, seed, tries):
    draw, whole = np.random.default_rng(seed), path.read_bytes()
    for _ in range(tries):
        damaged = bytearray(whole)
        for place in draw.integers(128, len(whole), draw.integers(1, 4)):
            damaged[place] ^= 1 << int(draw.integers(8))
        path.write_bytes(damaged)
        for read in (lambda: read_variables(path, list(VARIABLES)), lambda: variable_names(path)):
            with contextlib.suppress(DataError):
                read()


@pytest.mark.parametrize("tries", [300, pytest.param(10_000, marks=pytest.mark.slow)])
@pytest.mark.filterwarnings("ignore")
def test_no_damaged_bits_end_the_process(file, tries):
    child = multiprocessing.get_context("fork").Process(target=_read_damaged, args=(file, 0, tries))
    child.start()
    child.join()
    assert child.exitcode == 0
