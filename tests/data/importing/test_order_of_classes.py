"""`zsl-data import`: which class vector belongs to which label; what may be read in two ways is refused."""

import csv

import numpy as np
import pytest

from tests.data.data_command import run
from tests.data.importing.example import NAMES, ROWS, example, loaded, named

pytestmark = pytest.mark.usefixtures("no_real_data")


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
