"""`zsl-data` with data sets of tasks."""

import pytest

from tests.data.data_command import run

pytestmark = pytest.mark.usefixtures("no_real_data")


def test_the_digits(capsys, tmp_path):
    code, out, err = run(capsys, "describe", "split_digits", "--figure", tmp_path / "digits.png")
    assert (code, err) == (0, "")
    assert "split_digits: 1,797 images of 28 x 28 pixels, 1 channel, 10 classes (embedded data)" in out
    assert "1,200 train, 300 val, 297 test" in out
    assert (tmp_path / "digits.png").stat().st_size > 2000
    code, out, err = run(capsys, "verify", "split_digits")
    assert (code, err) == (0, "")
    assert "invariants hold" in out


@pytest.mark.parametrize("setting", ["dynamic", "static"])
def test_a_folder_in_the_xlsa17_layout(capsys, own, tmp_path, setting):
    options = ("xlsa17_tasks", "--source", own, f"task_setting={setting}", "n_tasks=4")
    code, out, err = run(capsys, "describe", *options, "--figure", tmp_path / "own.png")
    assert (code, err) == (0, "")
    assert "960 rows of 64 features, 16 classes" in out
    # The static setting divides the rows anew, and must not be told by the name of the file's split.
    assert ("split          own (0.2 of the rows of each class for testing, seed 42)" in out) == (setting == "static")
    assert ("every class is trained on in its task" in out) == (setting == "static")
    assert (tmp_path / "own.png").stat().st_size > 2000
    code, out, err = run(capsys, "verify", *options, "expected_classes=[12,4]")
    assert (code, err) == (0, "")
    assert "12 seen (2 of them for validation), 4 unseen (as expected)" in out
    assert "invariants hold" in out
    code, out, err = run(capsys, "prepare", *options)
    assert (code, err) == (0, "")
    assert run(capsys, "verify", "xlsa17_tasks")[0] == 2  # without a folder


@pytest.mark.parametrize(
    ("arguments", "key"),
    [
        (("split_digits", "n_tasks=11"), "n_tasks"),
        (("split_digits", "class_order=[0,1,2,3,4,5,6,7,8,8]"), "class_order"),
        (("xlsa17_tasks", "--source", "OWN", "expected_classes=[12,4]", "n_tasks=13"), "n_tasks"),
        (("xlsa17_tasks", "--source", "OWN", "feature_scaling=minmax"), "feature_scaling"),
    ],
)
def test_options_that_do_not_fit_are_wrong(capsys, own, arguments, key):
    code, out, err = run(capsys, "verify", *[own if entry == "OWN" else entry for entry in arguments])
    assert (code, out) == (2, "")
    assert f"dataset.{key}" in err
