"""Features that `zsl-eval --generate` writes for programs elsewhere."""

import json

import numpy as np
import pytest

from tests.exits import code_of
from tests.small_runs import CLOSED, SMALL, finished
from zsl_runner.data.command.cli import main as zsl_data
from zsl_runner.evaluate.cli import main
from zsl_runner.runs.opened import open_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return open_run(finished(tmp_path_factory.mktemp("generated"), *SMALL))


@pytest.fixture
def ask(run, tmp_path, monkeypatch):
    """Return what `zsl-eval RUN` does with further arguments; the current folder is empty."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: main([str(run.directory), *arguments])


def content(name):
    with np.load(name) as arrays:
        return dict(arrays)


@pytest.mark.parametrize("of", ["unseen", "seen", "all"])
def test_a_file_has_the_features_that_python_generates(run, ask, capsys, of):
    assert ask("--generate", "made.npz", "--of", of, "--per-class", "3", "--seed", "2") == 0
    groups = {"seen": run.data.seen_classes, "unseen": run.data.unseen_classes}
    wanted = [int(k) for k in groups.get(of, [*groups["seen"], *groups["unseen"]])]
    made = content("made.npz")
    assert made.keys() == {"features", "labels"}
    assert made["features"].dtype == np.float32
    assert np.array_equal(made["features"].reshape(len(wanted), 3, -1), run.generate(wanted, 3, seed=2))
    assert made["labels"].tolist() == [run.classes[k] for k in wanted for _ in range(3)]
    shown = capsys.readouterr().out.splitlines()
    width = run.data.features.shape[1]
    assert shown[-1] == (
        f"{3 * len(wanted)} features of width {width}, 3 of each of {len(wanted)} classes, written to made.npz"
    )
    assert not (run.directory / "evaluations").exists()


def test_a_hundred_of_each_unseen_class_unless_told_otherwise(run, ask, tmp_path):
    for name in ("one.npz", "two.npz"):
        assert ask("--generate", name) == 0
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    unseen = [int(k) for k in run.data.unseen_classes]
    assert np.array_equal(content("one.npz")["features"], run.generate(unseen, 100).reshape(100 * len(unseen), -1))


def test_classes_by_name_in_the_order_given(run, ask, capsys):
    assert ask("--generate", "made.npz", "--of", "class_003, class_001,class_003", "--per-class", "2", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert (shown["classes"], shown["rows_of_each"], shown["seed"]) == (["class_003", "class_001"], 2, 0)
    assert content("made.npz")["labels"].tolist() == ["class_003"] * 2 + ["class_001"] * 2


def test_classes_of_a_file_take_the_place_of_the_unseen_ones(run, ask):
    vectors = run.data.class_vectors[[3, 1]]
    np.savez("classes.npz", class_vectors=vectors, names=["three", "one"])
    assert ask("--generate", "made.npz", "--classes", "classes.npz", "--per-class", "4") == 0
    made = content("made.npz")
    assert made["labels"].tolist() == ["three"] * 4 + ["one"] * 4
    assert np.array_equal(made["features"].reshape(2, 4, -1), run.generate([3, 1], 4))


def test_zsl_data_makes_a_data_set_of_them(run, ask, tmp_path):
    assert ask("--generate", "made.npz", "--of", "all", "--per-class", "5") == 0
    np.savez("vectors.npz", class_vectors=run.data.class_vectors, names=run.data.class_names)
    arguments = ("--features", "made.npz", "--class-vectors", "vectors.npz", "--unseen", "class_001,class_003")
    assert zsl_data(["import", "mine", *arguments, "--test-share", "0.2"]) == 0
    assert (tmp_path / "mine" / "res101.mat").exists()


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--generate", "x.csv"), 2, "--generate: expected a file that ends in .npz, found x.csv"),
        (("--generate", "there.npz"), 2, "there.npz: exists already and is not overwritten"),
        (("--generate", "nix/x.npz"), 2, "--generate: nix"),
        (("--generate", "x.npz", "--per-class", "0"), 2, "--per-class: expected a number of rows, found 0"),
        (("--generate", "x.npz", "--seed", "-1"), 2, "--seed: expected a number from 0 on, found -1"),
        (
            ("--generate", "x.npz", "--of", "class_01"),
            2,
            "unknown class 'class_01'; expected a name of the run's classes",
        ),
        (("--generate", "x.npz", "--predictions", "x.csv"), 2, "nothing is scored, and --predictions has no effect"),
        (("--generate", "x.npz", "--data", "."), 2, "nothing is scored, and --data has no effect"),
        (("--generate", "x.npz", "evaluator.calibration=none"), 2, "and evaluator.calibration=none has no effect"),
        (("--generate", "x.npz", "--batch-size", "5"), 2, "and --batch-size has no effect; leave it out"),
        (("--generate", "x.npz", "--rows", "there.npz"), 2, "has no effect; leave it out"),
        (("--of", "all"), 2, "--of: has an effect only with --generate"),
        (("--per-class", "4"), 2, "--per-class: has an effect only with --generate"),
        (("--seed", "0"), 2, "--seed: has an effect only with --generate"),
        (("--generate", "x.npz", "--classes", "nix.npz"), 2, "nix.npz: no such file"),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(run, ask, tmp_path, capsys, arguments, code, told):
    np.savez("there.npz", features=run.data.features[:3])
    assert code_of(lambda given: ask(*given), arguments) == code
    assert told in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["there.npz"]


def test_a_model_without_a_generator_is_refused(tmp_path, capsys):
    directory = finished(tmp_path, *CLOSED, "dataset=toy", "dataset.train_rows=20")
    assert main([str(directory), "--generate", str(tmp_path / "x.npz")]) == 1
    assert "model eszsl generates no features of classes" in capsys.readouterr().err
    assert not (tmp_path / "x.npz").exists()
