"""`zsl-data import`: every kind of file gives the same bits, which are those that were given."""

import json
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
import scipy.io
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.data.data_command import run
from tests.data.importing.example import (
    CLASSES,
    ENTRIES,
    FORMATS,
    NAMES,
    ROWS,
    WIDTH,
    as_h5,
    as_npz,
    example,
    loaded,
    named,
)
from zsl_runner.data.command.cli import main

pytestmark = pytest.mark.usefixtures("no_real_data")


@pytest.mark.parametrize("write", FORMATS)
def test_what_is_loaded_is_what_was_given(write, imported, tmp_path):
    code, out, err = imported(write=write)
    assert (code, err) == (0, "")
    features, labels, vectors = example()
    records = loaded(tmp_path / "mine")
    np.testing.assert_array_equal(records.features, features)
    np.testing.assert_array_equal(records.labels, labels)
    assert records.class_names == NAMES
    assert [NAMES[k] for k in records.unseen_classes] == ["cat", "polar bear"]
    np.testing.assert_array_equal(loaded(tmp_path / "mine", semantics="original_att").class_vectors, vectors)
    unit = vectors.astype(np.float64) / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    np.testing.assert_array_equal(records.class_vectors, unit.astype(np.float32))
    np.testing.assert_array_equal(records.test_unseen, np.flatnonzero(np.isin(labels, [1, 3])))
    # 0.2 of eight rows are two, of each of four seen classes.
    assert np.bincount(labels[records.test_seen], minlength=CLASSES).tolist() == [2, 0, 2, 0, 2, 2]
    assert f"dataset.root={tmp_path / 'mine'}" in out


FLOATS = st.floats(-(2.0**49), 2.0**49, width=32)  # larger ones are refused


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    features=arrays.arrays(np.float32, (ROWS, WIDTH), elements=FLOATS),
    vectors=arrays.arrays(np.float32, (CLASSES, ENTRIES), elements=st.floats(-1e3, 1e3, width=32)),
    number=st.integers(0, 99),
)
def test_every_format_gives_the_same_files(features, vectors, number, tmp_path_factory):
    vectors[:, 0], vectors[:, 1] = np.arange(1, CLASSES + 1), 1  # neither zero nor alike
    features[:, 0] = np.arange(ROWS)
    found = set()
    for write in FORMATS:
        folder = tmp_path_factory.mktemp("format")
        arguments = write(folder, features, example(number)[1], vectors)
        options = ["--draw-unseen", "2", "--draw-validation", "2", "--seed", str(number)]
        assert main([str(part) for part in ["import", folder / "mine", *arguments, *options]]) == 0
        found.add(tuple((folder / "mine" / name).read_bytes() for name in ("res101.mat", "att_splits.mat")))
    assert len(found) == 1


def test_everything_may_lie_in_one_file(tmp_path, capsys):
    features, labels, vectors = example()
    np.savez(tmp_path / "all.npz", features=features, labels=named(labels), class_vectors=vectors, names=NAMES)
    np.savez(tmp_path / "numbers.npz", features=features, labels=labels, class_vectors=vectors)
    for name, unseen in (("all", "zebra"), ("numbers", "class_001")):
        file = tmp_path / f"{name}.npz"
        arguments = ["--features", file, "--class-vectors", file, "--unseen", unseen]
        assert run(capsys, "import", tmp_path / name, *arguments)[0] == 0
    assert (tmp_path / "all/res101.mat").read_bytes() == (tmp_path / "numbers/res101.mat").read_bytes()
    assert loaded(tmp_path / "numbers").class_names[5] == "class_006"


def test_names_of_images_are_kept(tmp_path, capsys):
    features, labels, vectors = example()
    images = [f"ä/{number}.jpg" for number in range(ROWS)]
    np.savez(tmp_path / "f.npz", features=features, labels=named(labels), files=images)
    np.savez(tmp_path / "v.npz", class_vectors=vectors, names=NAMES)
    arguments = ["--features", tmp_path / "f.npz", "--class-vectors", tmp_path / "v.npz", "--unseen", "cat"]
    assert run(capsys, "import", tmp_path / "mine", *arguments)[0] == 0
    stored = scipy.io.loadmat(tmp_path / "mine" / "res101.mat")["image_files"]
    assert [str(cell[0]) for cell in stored[:, 0]] == images


def test_what_is_not_used_of_a_file_may_be_anything(tmp_path, capsys):
    arguments = as_npz(tmp_path, *example())
    with zipfile.ZipFile(tmp_path / "f.npz", "a") as archive:
        archive.writestr("README.txt", "no array")
    assert run(capsys, "import", tmp_path / "a", *arguments, "--unseen", "cat")[::2] == (0, "")
    arguments = as_h5(tmp_path, *example())
    with h5py.File(tmp_path / "all.h5", "a") as file:
        file["classes/in_latin_1"] = np.array([b"\xe9lan"] * CLASSES)
    assert run(capsys, "import", tmp_path / "b", *arguments, "--unseen", "cat")[::2] == (0, "")


def test_large_features_are_written_as_version_7_3(imported, tmp_path, monkeypatch):
    assert imported(name="small")[0] == 0
    monkeypatch.setattr("zsl_runner.data.command.importing.writing.LARGEST_OF_VERSION_5", 0)
    assert imported(name="large")[0] == 0
    assert h5py.is_hdf5(tmp_path / "large" / "res101.mat")
    assert not h5py.is_hdf5(tmp_path / "small" / "res101.mat")
    small, large = loaded(tmp_path / "small"), loaded(tmp_path / "large")
    np.testing.assert_array_equal(small.features, large.features)
    np.testing.assert_array_equal(small.labels, large.labels)


def test_arrays_import_no_torch(tmp_path):
    arguments = [str(part) for part in as_npz(tmp_path, *example())]
    code = (
        "import sys; from zsl_runner.data.command.cli import main\n"
        "code = main(sys.argv[1:])\nsys.exit(code or 3 * ('torch' in sys.modules))"
    )
    command = [sys.executable, "-c", code, "import", str(tmp_path / "mine"), *arguments, "--unseen", "cat"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_a_network_of_the_project_trains_on_it(imported, tmp_path):
    assert imported()[0] == 0
    command = [sys.executable, "-m", "zsl_runner.train", "dataset=xlsa17", f"dataset.root={tmp_path / 'mine'}"]
    options = ["dataset.name=mine", "dataset.validation_classes=2", "model=eszsl", f"outputs={tmp_path / 'outputs'}"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    (result,) = (tmp_path / "outputs").rglob("result.json")
    content = json.loads(result.read_text())
    assert content["data"]["name"] == "mine"
    assert 0 <= content["metrics"]["test/H"] <= 100
