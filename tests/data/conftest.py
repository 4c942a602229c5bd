"""A small data set in the xlsa17 layout, whose fields a test can replace or drop, and the real data."""

import os
from pathlib import Path

import numpy as np
import pytest
import scipy.io

from zsl_runner.data.command.cli import main
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.sources.xlsa17.matlab_writing import version_73

SEEN, UNSEEN, ROWS, WIDTH, ATTRIBUTES = 4, 2, 10, 7, 5


def file_contents():
    """Return the variables of a sound features file and a sound splits file, 1-based and in MATLAB's orientation."""
    generator = np.random.default_rng(0)
    classes = SEEN + UNSEEN
    labels = generator.permutation(np.repeat(np.arange(classes), ROWS))
    vectors = generator.uniform(size=(classes, ATTRIBUTES))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    # The unseen classes are 1 and 4: their ids are not at the end.
    unseen = np.isin(labels, (1, 4))
    seen_rows = generator.permutation(np.flatnonzero(~unseen))
    # Two rows of each seen class are for testing, and as in published files train_loc and val_loc hold them too.
    test = np.concatenate([seen_rows[labels[seen_rows] == label][:2] for label in (0, 2, 3, 5)])
    trainval = np.setdiff1d(seen_rows, test)
    validation = np.isin(labels, (2,))
    column = {
        "trainval_loc": trainval,
        "test_seen_loc": test,
        "test_unseen_loc": np.flatnonzero(unseen),
        "train_loc": np.flatnonzero(~unseen & ~validation),
        "val_loc": np.flatnonzero(validation),
    }
    features = {
        "features": generator.normal(size=(WIDTH, len(labels))).astype(np.float32),
        "labels": (labels + 1).astype(np.uint8).reshape(-1, 1),
        "image_files": tuple(f"images/{number}.jpg" for number in range(len(labels))),
    }
    splits = {
        "att": vectors.T,
        "original_att": 100 * vectors.T,
        "allclasses_names": ("zebra", "ant", "cow", "owl", "bat", "hare"),
        **{name: (rows + 1).astype(np.uint16).reshape(-1, 1) for name, rows in column.items()},
    }
    return features, splits


def write_variables(path, variables, version_7_3=False):
    """Write a MATLAB file; a value of None leaves the field out."""
    kept = {name: value for name, value in variables.items() if value is not None}
    if version_7_3:
        path.write_bytes(version_73(kept))
        return
    for name, value in kept.items():
        if isinstance(value, tuple):
            cells = np.empty((len(value), 1), dtype=object)
            cells[:, 0] = value
            kept[name] = cells
    scipy.io.savemat(path, kept)


@pytest.fixture
def xlsa17_folder(tmp_path):
    """Return a function that writes the two files with some fields replaced and returns the configuration."""

    def write(*, version_7_3=False, folder="source", conf=None, **changes):
        root = tmp_path / folder
        root.mkdir(exist_ok=True)
        features, splits = file_contents()
        unknown = set(changes) - set(features) - set(splits)
        assert not unknown, unknown
        for name, variables in (("res101.mat", features), ("att_splits.mat", splits)):
            changed = {key: changes.get(key, value) for key, value in variables.items()}
            write_variables(root / name, changed, version_7_3)
        return XLSA17Conf(**{"name": "small", "root": str(root), "cache": None, **(conf or {})})

    return write


@pytest.fixture
def no_real_data(monkeypatch, tmp_path):
    """Let nothing be found where data usually are, and keep copies in the test's folder."""
    monkeypatch.setenv("ZSL_DATA", str(tmp_path / "nothing"))
    monkeypatch.setenv("ZSL_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def own(tmp_path, capsys):
    """Return a folder with an invented data set in the xlsa17 layout."""
    folder = tmp_path / "mine"
    assert main(["synthesize", str(folder)]) == 0
    capsys.readouterr()
    return folder


@pytest.fixture
def real_data():
    """Return a function from a path below $ZSL_DATA to the real path; the test is skipped where it is not there."""

    def find(*parts):
        root = os.environ.get("ZSL_DATA")
        if not root:
            pytest.skip("ZSL_DATA is not set")
        path = Path(root, *parts)
        if not path.exists():
            pytest.skip(f"$ZSL_DATA has no {'/'.join(parts)}")
        return path

    return find
