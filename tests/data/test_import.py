"""`zsl-data import`: every kind of file gives the same bits, and what does not fit is refused in one sentence."""

import csv
import json
import os
import pickle
import shlex
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.data.data_command import run
from tests.loaded import ours
from zsl_runner.config.check import check
from zsl_runner.data.command.cli import main
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.sources.xlsa17.source import load
from zsl_runner.errors import DataError, RunError

pytestmark = pytest.mark.usefixtures("no_real_data")

NAMES = ("zebra", "cat", "élan", "polar bear", "ox, wild", "it's")
CLASSES, ROWS, WIDTH, ENTRIES = len(NAMES), 48, 7, 5


def example(seed=0):
    """Return features, labels as numbers and class vectors, in random order."""
    draw = np.random.default_rng(seed)
    labels = draw.permutation(np.repeat(np.arange(CLASSES), ROWS // CLASSES))
    features = draw.standard_normal((ROWS, WIDTH)).astype(np.float32)
    return features, labels, draw.standard_normal((CLASSES, ENTRIES)).astype(np.float32)


def named(labels):
    return [NAMES[label] for label in labels]


def as_npz(folder, features, labels, vectors):
    np.savez(folder / "f.npz", features=features, labels=np.array(named(labels)))
    np.savez(folder / "v.npz", class_vectors=vectors, names=np.array(NAMES))
    return ["--features", folder / "f.npz", "--class-vectors", folder / "v.npz"]


def as_npy(folder, features, labels, vectors):
    for name, array in (("f", features.astype(np.float64)), ("y", labels), ("v", vectors), ("n", np.array(NAMES))):
        np.save(folder / f"{name}.npy", array)
    files = {"features": "f", "labels": "y", "class-vectors": "v", "class-names": "n"}
    return [part for option, name in files.items() for part in (f"--{option}", folder / f"{name}.npy")]


def as_pt(folder, features, labels, vectors):
    torch.save(
        {"features": torch.tensor(features, requires_grad=True), "labels": torch.tensor(labels)}, folder / "f.pt"
    )
    torch.save({"class_vectors": torch.tensor(vectors.T.copy()).T, "names": list(NAMES)}, folder / "v.pt")
    return ["--features", folder / "f.pt", "--class-vectors", folder / "v.pt"]


def as_h5(folder, features, labels, vectors):
    with h5py.File(folder / "all.h5", "w") as file:
        file["train/x"] = features
        file.create_dataset("train/y", data=named(labels))
        file["classes/v"] = vectors
        file.create_dataset("classes/n", data=list(NAMES))
    names = {"features": "train/x", "labels": "train/y", "class-vectors": "classes/v", "class-names": "classes/n"}
    return [part for option, name in names.items() for part in (f"--{option}", f"{folder / 'all.h5'}:{name}")]


def as_csv(folder, features, labels, vectors):
    with (folder / "f.csv").open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["label", *(f"x{i}" for i in range(features.shape[1]))])
        writer.writerows([name, *map(repr, row.tolist())] for name, row in zip(named(labels), features, strict=True))
    with (folder / "v.csv").open("w", newline="") as stream:
        csv.writer(stream).writerows([name, *map(str, row)] for name, row in zip(NAMES, vectors, strict=True))
    return ["--features", folder / "f.csv", "--class-vectors", folder / "v.csv"]


def as_mat(folder, features, labels, vectors):
    cells = np.empty((CLASSES, 1), dtype=object)
    cells[:, 0] = NAMES
    scipy.io.savemat(folder / "f.mat", {"features": features.T, "labels": (labels + 1.0)[:, None]})
    scipy.io.savemat(folder / "v.mat", {"att": vectors.T, "allclasses_names": cells})
    files = ["--features", folder / "f.mat", "--class-vectors", folder / "v.mat"]
    return [*files, "--features-are", "D,N", "--class-vectors-are", "A,C", "--count-from", "1"]


FORMATS = (as_npz, as_npy, as_pt, as_h5, as_csv, as_mat)


@pytest.fixture
def imported(tmp_path, capsys):
    """Return what imports the example in a format with options, and returns exit code, output and errors."""

    def run_it(*options, write=as_npz, name="mine", unseen=("--unseen", "cat,polar bear")):
        arguments = write(tmp_path, *example()) if write else []
        return run(capsys, "import", tmp_path / name, *arguments, *unseen, *options)

    return run_it


def loaded(folder, **options):
    return load(XLSA17Conf(name="own", root=str(folder), cache=None, **options))


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


FLOATS = st.floats(allow_nan=False, allow_infinity=False, width=32)


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


def test_validation_classes_and_test_rows_are_those_given(imported, tmp_path):
    _, labels, _ = example()
    (tmp_path / "unseen.txt").write_text("\ufeffzebra\r\n\r\nélan\r\n", encoding="utf-8")
    rows = np.concatenate([np.flatnonzero(labels == k)[:3] for k in range(CLASSES)])
    np.save(tmp_path / "rows.npy", rows)
    options = ["--validation", "cat,it's", "--test-rows", tmp_path / "rows.npy"]
    code, out, _ = imported(*options, unseen=("--unseen", tmp_path / "unseen.txt"))
    assert code == 0
    records = loaded(tmp_path / "mine")
    assert [NAMES[k] for k in records.validation_classes] == ["cat", "it's"]
    assert [NAMES[k] for k in records.unseen_classes] == ["zebra", "élan"]
    np.testing.assert_array_equal(records.test_seen, np.sort(rows[np.isin(labels[rows], records.seen_classes)]))
    assert "cat, it's" in out


def test_a_mask_and_numbers_from_one_mean_the_same_rows(imported, tmp_path):
    rows = np.flatnonzero(example()[1] != 0)[::3]
    rows = rows[rows != ROWS - 1]
    np.save(tmp_path / "mask.npy", np.isin(np.arange(ROWS), rows))
    (tmp_path / "from_one.txt").write_text("\n".join(str(row + 1) for row in rows))
    assert imported("--test-rows", tmp_path / "mask.npy", name="a")[0] == 0
    assert imported("--test-rows", tmp_path / "from_one.txt", "--count-from", 1, name="b")[0] == 0
    for name in ("res101.mat", "att_splits.mat"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_large_features_are_written_as_version_7_3(imported, tmp_path, monkeypatch):
    assert imported(name="small")[0] == 0
    monkeypatch.setattr("zsl_runner.data.command.importing.writing.LARGEST_OF_VERSION_5", 0)
    assert imported(name="large")[0] == 0
    assert h5py.is_hdf5(tmp_path / "large" / "res101.mat")
    assert not h5py.is_hdf5(tmp_path / "small" / "res101.mat")
    small, large = loaded(tmp_path / "small"), loaded(tmp_path / "large")
    np.testing.assert_array_equal(small.features, large.features)
    np.testing.assert_array_equal(small.labels, large.labels)


def test_the_kind_of_features_is_known_from_then_on(imported, tmp_path, capsys):
    assert imported("--feature-kind", "ViT-B/16, 768-d")[0] == 0
    records = loaded(tmp_path / "mine")
    assert records.provenance.feature_kind == "ViT-B/16, 768-d"
    assert records.provenance.split_version.startswith("own: 4 seen / 2 unseen classes, as listed")
    content = json.loads((tmp_path / "mine" / "import.json").read_text())
    assert [Path(source["path"]).name for source in content["sources"]] == ["f.npz", "v.npz"]
    assert loaded(tmp_path / "mine", feature_kind="mine").provenance.feature_kind == "mine"
    # Of another file than the one written it says nothing.
    content = scipy.io.loadmat(tmp_path / "mine" / "res101.mat")
    scipy.io.savemat(tmp_path / "mine" / "res101.mat", {name: content[name] for name in ("features", "labels")})
    assert "unknown" in loaded(tmp_path / "mine").provenance.feature_kind
    for damaged in ("[]", "{", '{"files": 3}', '{"files": {}, "split": 3, "feature_kind": null}'):
        (tmp_path / "mine" / "import.json").write_text(damaged)
        with pytest.raises(DataError, match=r"import\.json: expected what zsl-data import has written"):
            loaded(tmp_path / "mine")


def test_what_it_understood_is_shown(imported):
    code, out, _ = imported("--seed", 3, unseen=("--draw-unseen", 2))
    assert code == 0
    shown = {line[:14].strip(): line[15:] for line in out.splitlines() if line}
    assert shown["features"].endswith("f.npz: features, 48 x 7 float32: 48 rows of 7")
    assert shown["labels"].endswith("f.npz: labels, 6 different names")
    assert shown["unseen"].startswith("2 drawn with seed 3: ")
    assert shown["rows"].startswith("24 trainval; 8 test_seen")
    assert "val/T1 is 100 whatever the model does" in shown["warning"]


def test_a_class_is_a_class_whatever_lies_in_the_folder(imported, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat").write_text("zebra\n")
    assert imported(unseen=("--unseen", "cat"), name="a")[0] == 0
    assert loaded(tmp_path / "a").unseen_classes.tolist() == [1]
    assert imported(unseen=("--unseen", "ox, wild"), name="b")[0] == 0
    assert loaded(tmp_path / "b").unseen_classes.tolist() == [4]


@pytest.mark.parametrize("name", ["_mine", "a(b)", "my birds", "..x"])
def test_the_printed_run_is_not_refused_for_the_name_of_the_folder(name, imported, tmp_path, capsys):
    _, of_import, _ = imported(name=name)
    _, of_example, _ = run(capsys, "synthesize", tmp_path / "examples" / name, "--rows", 5)
    for printed in (of_import, of_example):
        (line,) = (line for line in printed.splitlines() if line.startswith("run it"))
        command, *arguments = shlex.split(line.removeprefix("run it"))
        assert command == "zsl-run"
        assert check(ours(), [*arguments, "model=eszsl"]).problems == ()


@pytest.fixture
def in_another_order(tmp_path):
    """Return features with numbers as labels, and a way to write class vectors that are in another order than these."""
    features, labels, vectors = example()
    order = [3, 0, 5, 1, 4, 2]
    np.savez(tmp_path / "f.npz", features=features, labels=labels)

    def write(heading, ids=order, as_text=False):
        if as_text:
            np.savez(tmp_path / "f.npz", features=features, labels=labels.astype(str))
        if heading == "npz":
            np.savez(tmp_path / "v.npz", class_vectors=vectors[ids], labels=np.array(ids))
            return ["--features", tmp_path / "f.npz", "--class-vectors", tmp_path / "v.npz"]
        rows = [[str(number), *map(repr, vectors[number].tolist())] for number in ids]
        with (tmp_path / "v.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([[heading, *"abcde"], *rows])
        return ["--features", tmp_path / "f.npz", "--class-vectors", tmp_path / "v.csv"]

    return write


@pytest.mark.parametrize("heading", ["label", "labels", "name", "class", "npz"])
def test_numbers_that_may_mean_rows_or_names_are_refused(heading, in_another_order, tmp_path, capsys):
    """They were taken for rows, whatever the names beside the class vectors: each class had the vector of another."""
    code, _, err = run(capsys, "import", tmp_path / "mine", *in_another_order(heading), "--draw-unseen", 2)
    assert code == 1
    assert "expected labels of one meaning" in err or "in the order of their labels, 0 to 5, found another" in err
    assert "as text" in err
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("heading", ["label", "name"])
def test_numbers_as_text_are_names_in_any_order(heading, in_another_order, tmp_path, capsys):
    arguments = in_another_order(heading, as_text=True)
    assert run(capsys, "import", tmp_path / "mine", *arguments, "--unseen", "1,2")[0] == 0
    records, (_, labels, vectors) = loaded(tmp_path / "mine", semantics="original_att"), example()
    np.testing.assert_array_equal(records.class_vectors[records.labels], vectors[labels])
    assert records.class_names == ("3", "0", "5", "1", "4", "2")


@pytest.mark.parametrize("heading", ["label", "name", "npz"])
def test_numbers_that_mean_the_same_either_way_are_taken(heading, in_another_order, tmp_path, capsys):
    arguments = in_another_order(heading, ids=[0, 1, 2, 3, 4, 5])
    assert run(capsys, "import", tmp_path / "mine", *arguments, "--draw-unseen", 2)[0] == 0
    records, (_, labels, vectors) = loaded(tmp_path / "mine", semantics="original_att"), example()
    np.testing.assert_array_equal(records.class_vectors[records.labels], vectors[labels])


def test_labels_of_the_same_pictures_in_another_order_are_refused(tmp_path, capsys):
    features, labels, vectors = example()
    pictures = [f"{number:02d}.jpg" for number in range(ROWS)]
    np.savez(tmp_path / "f.npz", features=features, files=np.array(pictures))
    np.savez(tmp_path / "v.npz", class_vectors=vectors, names=np.array(NAMES))
    arguments = [
        "--features",
        tmp_path / "f.npz",
        "--labels",
        tmp_path / "y.csv",
        "--class-vectors",
        tmp_path / "v.npz",
    ]
    rows = list(zip(pictures, named(labels), strict=True))
    for name, order, expected in (("a", range(ROWS), 0), ("b", [0, 2, 1, *range(3, ROWS)], 1)):
        with (tmp_path / "y.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([["file", "label"], *(rows[k] for k in order)])
        code, _, err = run(capsys, "import", tmp_path / name, *arguments, "--unseen", "cat")
        assert code == expected, err
    assert "y.csv: file: expected the order of " in err
    assert "number 1 (from 0) is 02.jpg and there 01.jpg" in err
    assert not (tmp_path / "b").exists()


def test_names_of_the_same_classes_in_another_order_are_refused(imported, tmp_path):
    (tmp_path / "names.txt").write_text("\n".join(sorted(NAMES)))
    code, _, err = imported("--class-names", tmp_path / "names.txt")
    assert code == 1
    assert f"names.txt: expected the order of {tmp_path}/v.npz: names, found another: number 0 (from 0)" in err
    assert not (tmp_path / "mine").exists()
    (tmp_path / "names.txt").write_text("\n".join(NAMES))
    assert imported("--class-names", tmp_path / "names.txt")[0] == 0


def test_a_mask_may_be_a_column_a_logical_of_matlab_or_digits(imported, tmp_path):
    mask = np.arange(ROWS) % 3 == 0
    expected = np.flatnonzero(mask & ~np.isin(example()[1], [1, 3]))
    np.save(tmp_path / "flat.npy", mask)
    np.save(tmp_path / "column.npy", mask[:, None])
    scipy.io.savemat(tmp_path / "logical.mat", {"mask": mask[:, None]})
    (tmp_path / "digits.csv").write_text("\n".join(str(int(value)) for value in mask))
    (tmp_path / "digits.txt").write_text("\n".join(str(int(value)) for value in mask))
    np.save(tmp_path / "numbers.npy", np.flatnonzero(mask))
    for name in ("flat.npy", "column.npy", "logical.mat", "digits.csv", "digits.txt", "numbers.npy"):
        code, _, err = imported("--test-rows", tmp_path / name, name=f"from {name}")
        assert code == 0, err
        np.testing.assert_array_equal(loaded(tmp_path / f"from {name}").test_seen, expected)


def test_a_full_disk_is_told_of_the_folder_that_was_asked_for(imported, tmp_path, monkeypatch):
    def full(path, _content):
        raise RunError(f"{path}: cannot be written: No space left on device")

    monkeypatch.setattr("zsl_runner.data.command.importing.writing.write_bytes", full)
    code, _, err = imported()
    assert code == 1
    assert err == f"zsl-data: {tmp_path}/mine/res101.mat: cannot be written: No space left on device\n"
    assert not [path for path in tmp_path.iterdir() if "mine" in path.name]


def test_a_list_longer_than_a_file_name_may_be_names_the_unknown_class(imported, tmp_path):
    listed = ",".join(["cat", *(f"an unknown class {number}" for number in range(20))])
    code, _, err = imported(unseen=("--unseen", listed))
    assert code == 2
    assert "--unseen: expected names of classes or a file of them, found an unknown class 0, " in err
    assert "too long" not in err
    assert not (tmp_path / "mine").exists()


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


def test_no_path_of_the_machine_gets_into_the_name_of_a_split(imported, tmp_path):
    np.save(tmp_path / "rows.npy", np.flatnonzero(example()[1] != 0)[::3])
    assert imported("--test-rows", tmp_path / "rows.npy")[0] == 0
    assert str(tmp_path) not in loaded(tmp_path / "mine").provenance.split_version


def test_names_of_images_are_kept(tmp_path, capsys):
    features, labels, vectors = example()
    images = [f"ä/{number}.jpg" for number in range(ROWS)]
    np.savez(tmp_path / "f.npz", features=features, labels=named(labels), files=images)
    np.savez(tmp_path / "v.npz", class_vectors=vectors, names=NAMES)
    arguments = ["--features", tmp_path / "f.npz", "--class-vectors", tmp_path / "v.npz", "--unseen", "cat"]
    assert run(capsys, "import", tmp_path / "mine", *arguments)[0] == 0
    stored = scipy.io.loadmat(tmp_path / "mine" / "res101.mat")["image_files"]
    assert [str(cell[0]) for cell in stored[:, 0]] == images


class Payload:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (os.mkdir, ("unpickled",))


def damage(tmp_path, features, labels, vectors, change):
    """Write the example as npz after a change of its arrays by name."""
    content = {
        "features": features,
        "labels": np.array(named(labels)),
        "class_vectors": vectors,
        "names": np.array(NAMES),
    }
    change(content)
    np.savez(tmp_path / "f.npz", **{name: content[name] for name in ("features", "labels") if name in content})
    np.savez(tmp_path / "v.npz", **{name: content[name] for name in ("class_vectors", "names") if name in content})
    return ["--features", tmp_path / "f.npz", "--class-vectors", tmp_path / "v.npz"]


def nameless(content):
    """Return the labels as numbers, as they are without names."""
    return {"labels": np.array([NAMES.index(name) for name in content["labels"]])}


def put(name, value):
    return lambda content: content.update({name: value(content[name])})


def at(place, value):
    def changed(array):
        array = array.copy()
        array[place] = value
        return array

    return changed


BAD = {
    "labels too short": (put("labels", lambda y: y[:-1]), "expected a row for each of the 47 labels"),
    "features transposed": (put("features", np.transpose), "say --features-are D,N"),
    "features of three axes": (put("features", lambda x: x[None]), "expected a non-empty matrix of real numbers"),
    "features empty": (put("features", lambda x: x[:, :0]), "expected a non-empty matrix of real numbers"),
    "features as text": (put("features", lambda x: x.astype(str)), "found a table of text, 48 x 7; save numbers as"),
    "complex features": (put("features", lambda x: x * 1j), "expected a non-empty matrix of real numbers"),
    "features of objects": (put("features", lambda x: x.astype(object)), "Python objects, which are not loaded"),
    "NaN in features": (
        put("features", at((5, 2), np.nan)),
        "found NaN, infinity or what float32 cannot hold in 1 of 48",
    ),
    "features too large": (
        put("features", lambda x: x.astype(np.float64) * 1e300),
        "what float32 cannot hold in 48 of 48",
    ),
    "infinite class vectors": (put("class_vectors", at((0, 0), np.inf)), "class_vectors: expected finite numbers"),
    "class vectors transposed": (
        lambda c: c.update(class_vectors=np.ones((8, 6)).cumsum(0)),
        "say --class-vectors-are A,C",
    ),
    "few class vectors transposed, without names": (
        lambda c: c.update(nameless(c), class_vectors=np.ones((5, 6)).cumsum(0)) or c.pop("names"),
        "f.npz: labels, found 5 rows of 6 (--class-vectors-are C,A); the class vectors are transposed: say --class-",
    ),
    "many class vectors transposed, without names": (
        lambda c: c.update(nameless(c), class_vectors=np.ones((8, 6)).cumsum(0)) or c.pop("names"),
        "found 8 rows of 6 (--class-vectors-are C,A); the class vectors are transposed: say --class-vectors-are A,C",
    ),
    "class vectors of zeros": (
        put("class_vectors", at(2, 0)),
        "expected class vectors other than zero, found zeros of élan",
    ),
    "class vectors of one direction": (
        put("class_vectors", lambda v: np.outer(np.arange(1, 7), v[0])),
        "expected class vectors of different directions, found one",
    ),
    "rows that are all alike": (put("features", lambda x: x * 0), "f.npz: features: expected rows that differ"),
    "a class vector too many": (put("class_vectors", lambda v: np.vstack([v, v[:1]])), "each of the 6 names"),
    "an unknown label": (put("labels", at(3, "Cat")), "found Cat; the case of letters counts: there is cat"),
    "one class": (put("labels", lambda y: np.full_like(y, "cat")), "expected several classes, found one, cat"),
    "a class without rows": (put("labels", lambda y: np.where(y == "zebra", "cat", y)), "found none of zebra"),
    "a name twice": (put("names", at(0, "cat")), "expected a name of its own for each class, found cat"),
    "an empty name": (put("names", at(0, " ")), "expected a name of its own for each class"),
    "names as numbers": (put("names", lambda n: np.arange(len(n))), "expected names, found"),
    "names as labels without names": (lambda c: c.pop("names"), "give them with --class-names FILE"),
    "no labels": (lambda c: c.pop("labels"), "give them with --labels FILE"),
    "no class vectors": (lambda c: c.update(att2=c.pop("class_vectors")), "v.npz: names: expected a non-empty matrix"),
    "labels from one": (
        put("labels", lambda y: np.array([1 + NAMES.index(name) for name in y])),
        "expected numbers of classes, 0 to 5 (--count-from 0), found 1 to 6; --count-from 1 would fit",
    ),
    "labels of fractions": (
        put("labels", lambda y: np.arange(ROWS) % 6 + 0.5),
        "expected whole numbers, found fractions",
    ),
    "labels of NaN": (
        put("labels", lambda y: np.full(ROWS, np.nan)),
        "expected whole numbers, found NaN or infinity",
    ),
    "labels of more digits than a number has": (
        put("labels", lambda y: np.where(y == "cat", "9" * 400, "1")),
        "labels: expected whole numbers, found NaN or infinity",
    ),
    "labels in Latin-1": (
        put("labels", lambda y: np.char.encode(y, "latin-1")),
        r"labels: expected numbers or text, found bytes that are no UTF-8 text, such as b'\xe9lan'; save them as UTF-8",
    ),
    "names of folders in Latin-1": (
        put("names", at(2, b"\xe9lan".decode(errors="surrogateescape"))),
        r"names: expected text, found '\udce9lan', which no text file can hold",
    ),
    "a table of names": (
        put("names", lambda n: n.reshape(2, 3)),
        "names: expected numbers or text, found a table of text, 2 x 3; save numbers as numbers, and names as a list",
    ),
}


MENDED_BY_AN_OPTION = (
    "features transposed",
    "class vectors transposed",
    "few class vectors transposed, without names",
    "many class vectors transposed, without names",
    "names as labels without names",
    "no labels",
    "labels from one",
)


@pytest.mark.parametrize("case", BAD)
def test_what_does_not_fit_is_refused_in_one_error(case, tmp_path, capsys):
    change, expected = BAD[case]
    arguments = damage(tmp_path, *example(), change)
    before = sorted(tmp_path.iterdir())
    code, out, err = run(capsys, "import", tmp_path / "mine", *arguments, "--unseen", "cat,polar bear")
    assert (code, out) == (2 if case in MENDED_BY_AN_OPTION else 1, "")
    assert expected in err
    assert err.count("expected") == 1 or "give them" in err
    assert err.startswith("zsl-data: ")
    assert "Traceback" not in err
    assert sorted(tmp_path.iterdir()) == before


@pytest.mark.parametrize(
    ("options", "code", "expected"),
    [
        (["--unseen", "cat,horse"], 2, "found horse; the classes are zebra, cat"),
        (["--unseen", "cat,cat"], 2, "expected each class once, found cat more often"),
        (["--unseen", ""], 2, "--unseen: expected names of classes"),
        (["--unseen", "zebra,cat,élan,polar bear,it's"], 2, "expected at least two seen classes, found 1"),
        (["--draw-unseen", "5"], 2, "expected 1 to 4"),
        (["--draw-unseen", "0"], 2, "expected 1 to 4"),
        (["--unseen", "cat", "--validation", "cat"], 2, "expected seen classes, found cat among the unseen ones"),
        (["--unseen", "cat", "--draw-validation", "5"], 2, "expected 1 to 4, fewer than the seen classes"),
        (["--unseen", "cat", "--validation", "zebra,élan,polar bear,it's"], 2, "ox"),
        (["--unseen", "cat", "--test-share", "1"], 2, "between 0 and 1"),
        (["--unseen", "cat", "--test-share", "nan"], 2, "between 0 and 1"),
        (["--unseen", "cat", "--seed", "-1"], 2, "expected 0 or more"),
        (["--unseen", "cat", "--test-rows", "ROWS:far"], 2, "expected numbers of rows, 0 to 47"),
        (["--unseen", "cat", "--test-rows", "ROWS:twice"], 1, "expected each row once, found 1 twice"),
        (["--unseen", "cat", "--test-rows", "ROWS:short"], 1, "expected a mask of 48 rows"),
        (["--unseen", "cat", "--test-rows", "ROWS:none"], 1, "expected rows of seen classes, found none"),
        (["--unseen", "cat", "--test-rows", "ROWS:all"], 1, "expected rows to train on of every seen class"),
        (["--unseen", "cat", "--test-rows", "ROWS"], 2, "name one with"),
        (["--unseen", "cat", "--test-rows", "ROWS:absent"], 2, "expected test rows as absent, found far, twice"),
        (["--unseen", "cat", "--labels", "nowhere.npy"], 2, "nowhere.npy: no such file; check the path"),
        (["--unseen", "cat", "--labels", "labels.doc"], 2, "expected a file that ends in .npy, .npz, .pt"),
    ],
)
def test_mistakes_of_options_are_named(options, code, expected, imported, tmp_path):
    labels = example()[1]
    np.savez(
        tmp_path / "rows.npz",
        far=np.array([48]),
        twice=np.array([5, 5]),
        short=np.ones(47, bool),
        none=np.isin(np.arange(ROWS), np.flatnonzero(labels == 1)),
        all=np.ones(ROWS, bool),
    )
    given_options = [part.replace("ROWS", str(tmp_path / "rows.npz")) for part in options]
    if expected == "ox":  # a name with a comma cannot be listed; the file of names can
        (tmp_path / "names.txt").write_text("zebra\nélan\npolar bear\nit's\nox, wild\n")
        given_options[-1], expected = str(tmp_path / "names.txt"), "expected some of the seen classes, found all"
    found, _, err = imported(*given_options, unseen=())
    assert found == code
    assert expected in err
    assert not (tmp_path / "mine").exists()


def test_two_classes_are_too_few_to_have_an_unseen_one(tmp_path, capsys):
    np.savez(tmp_path / "a.npz", features=np.eye(8), labels=np.arange(8) % 2, class_vectors=np.eye(2))
    arrays = ("--features", tmp_path / "a.npz", "--class-vectors", tmp_path / "a.npz")
    code, _, err = run(capsys, "import", tmp_path / "mine", *arrays, "--draw-unseen", "1")
    assert code == 2
    assert "--draw-unseen: expected one class more than the two seen ones, found 2 in all" in err


@pytest.mark.parametrize("kind", ["pt", "npy", "npz", "module"])
def test_no_code_in_a_file_is_run(kind, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    arguments = as_npz(tmp_path, *example())
    path = tmp_path / f"bad.{'pt' if kind == 'module' else kind}"
    bad = np.array([Payload()], dtype=object)
    if kind == "pt":
        path.write_bytes(pickle.dumps({"features": Payload()}))
    elif kind == "module":
        torch.save({"features": torch.nn.Linear(2, 3)}, path)
    else:
        (np.save if kind == "npy" else np.savez)(path, bad)
    arguments[1] = path
    code, _, err = run(capsys, "import", tmp_path / "mine", *arguments, "--labels", "f.npz", "--unseen", "cat")
    assert code == 1
    assert "Python objects, which are not loaded because that would run code of theirs" in err
    assert not (tmp_path / "unpickled").exists()
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("write", FORMATS)
def test_damaged_files_are_named(write, tmp_path, capsys):
    arguments = write(tmp_path, *example())
    path = Path(str(arguments[1]).partition(":")[0])
    whole = path.read_bytes()
    halves = [] if write is as_csv else [whole[: len(whole) // 2]]  # half a table is a table
    for content in (*halves, b"", b"\x80\x04" + os.urandom(200)):
        path.write_bytes(content)
        code, _, err = run(capsys, "import", tmp_path / "mine", *arguments, "--unseen", "cat")
        assert code == 1
        assert err.startswith(f"zsl-data: {path}: ")
        assert "Traceback" not in err
        assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize("write", [as_npz, as_npy, as_pt, as_csv, as_mat])
def test_wrong_bytes_end_in_a_folder_or_one_error(write, tmp_path, capsys):
    """A byte that is wrong may be the value of a feature, or what a parser stumbles over."""
    arguments = write(tmp_path, *example())
    path = Path(str(arguments[1]))
    whole, draw = path.read_bytes(), np.random.default_rng(0)
    for number in range(25):
        damaged = bytearray(whole)
        for place in draw.integers(len(whole), size=1 + number % 3):
            damaged[place] = draw.integers(256)
        path.write_bytes(damaged)
        folder = tmp_path / f"mine{number}"
        code, _, err = run(capsys, "import", folder, *arguments, "--unseen", "cat")
        assert (code == 0) == folder.exists()
        assert code == 0 or (code in (1, 2) and err.startswith("zsl-data: ") and "Traceback" not in err), err
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_what_is_not_used_of_a_file_may_be_anything(tmp_path, capsys):
    arguments = as_npz(tmp_path, *example())
    with zipfile.ZipFile(tmp_path / "f.npz", "a") as archive:
        archive.writestr("README.txt", "no array")
    assert run(capsys, "import", tmp_path / "a", *arguments, "--unseen", "cat")[::2] == (0, "")
    arguments = as_h5(tmp_path, *example())
    with h5py.File(tmp_path / "all.h5", "a") as file:
        file["classes/in_latin_1"] = np.array([b"\xe9lan"] * CLASSES)
    assert run(capsys, "import", tmp_path / "b", *arguments, "--unseen", "cat")[::2] == (0, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("cat,1,2\ndog,1", "row 2: expected 3 cells"),
        ("cat;1;2\ndog;1;3", "expected commas"),
        (",x,y\n0,1,2", "column 1 has no heading"),
        ("name,x,y\ncat,1,two", "row 2, column 3: expected a number, found 'two'"),
        ("name,name,y\ncat,1,2", "expected one column name, found two"),
        ("", "expected a .csv file, found an empty file"),
        ("\n \n", "expected a table, found no line"),
    ],
)
def test_tables_that_cannot_be_read_say_where(text, expected, tmp_path, capsys):
    arguments = as_npz(tmp_path, *example())
    (tmp_path / "v.csv").write_text(text)
    arguments[3] = tmp_path / "v.csv"
    code, _, err = run(capsys, "import", tmp_path / "mine", *arguments, "--unseen", "cat")
    assert code == 1
    assert f"v.csv: {expected}" in err


def test_nothing_is_overwritten_and_a_failure_leaves_nothing(imported, tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    code, _, err = imported()
    assert code == 2
    assert "exists already and is not overwritten" in err
    assert list((tmp_path / "mine").iterdir()) == []

    def fail(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "rename", fail)
    code, _, err = imported(name="other")
    assert code == 1
    assert "other: cannot be written: No space left on device" in err
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "f.npz", "v.npz"}


def test_what_a_killed_import_left_is_removed_by_the_next_one(imported, tmp_path, monkeypatch):
    def killed(*_):
        raise Killed

    class Killed(BaseException):
        pass

    others = [tmp_path / name for name in (".other.0123abcd.tmp", ".mine.tmp", "mine.0123abcd.tmp")]
    for path in others:
        path.mkdir()
        os.utime(path, (1, 1))
    with monkeypatch.context() as patch:
        patch.setattr(os, "rename", killed)
        patch.setattr("zsl_runner.data.command.importing.writing.shutil.rmtree", lambda *_, **__: None)
        with pytest.raises(Killed):
            imported()
    (left,) = tmp_path.glob(".mine.????????.tmp")
    assert imported()[0] == 0
    assert left.exists()  # it might be that of an import that is still at work
    os.utime(left, (1, 1))
    shutil.rmtree(tmp_path / "mine")
    assert imported()[0] == 0
    assert {path.name for path in tmp_path.iterdir()} == {"mine", "f.npz", "v.npz", *(path.name for path in others)}


def test_arrays_import_no_torch(tmp_path):
    arguments = [str(part) for part in as_npz(tmp_path, *example())]
    code = (
        "import sys; from zsl_runner.data.command.cli import main\n"
        "code = main(sys.argv[1:])\nsys.exit(code or 3 * ('torch' in sys.modules))"
    )
    command = [sys.executable, "-c", code, "import", str(tmp_path / "mine"), *arguments, "--unseen", "cat"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
