"""`zsl-data import`: unseen classes, validation classes and test rows are those that were asked for, or refused."""

import numpy as np
import pytest
import scipy.io

from tests.data.data_command import run
from tests.data.importing.example import CLASSES, NAMES, ROWS, example, loaded

pytestmark = pytest.mark.usefixtures("no_real_data")


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


def test_a_class_is_a_class_whatever_lies_in_the_folder(imported, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "cat").write_text("zebra\n")
    assert imported(unseen=("--unseen", "cat"), name="a")[0] == 0
    assert loaded(tmp_path / "a").unseen_classes.tolist() == [1]
    assert imported(unseen=("--unseen", "ox, wild"), name="b")[0] == 0
    assert loaded(tmp_path / "b").unseen_classes.tolist() == [4]


def test_a_list_longer_than_a_file_name_may_be_names_the_unknown_class(imported, tmp_path):
    listed = ",".join(["cat", *(f"an unknown class {number}" for number in range(20))])
    code, _, err = imported(unseen=("--unseen", listed))
    assert code == 2
    assert "--unseen: expected names of classes or a file of them, found an unknown class 0, " in err
    assert "too long" not in err
    assert not (tmp_path / "mine").exists()


def test_a_mask_and_numbers_from_one_mean_the_same_rows(imported, tmp_path):
    rows = np.flatnonzero(example()[1] != 0)[::3]
    rows = rows[rows != ROWS - 1]
    np.save(tmp_path / "mask.npy", np.isin(np.arange(ROWS), rows))
    (tmp_path / "from_one.txt").write_text("\n".join(str(row + 1) for row in rows))
    assert imported("--test-rows", tmp_path / "mask.npy", name="a")[0] == 0
    assert imported("--test-rows", tmp_path / "from_one.txt", "--count-from", 1, name="b")[0] == 0
    for name in ("res101.mat", "att_splits.mat"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


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
