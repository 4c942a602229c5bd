"""Rows of a file, which nobody labelled, assigned to classes by `zsl-eval --rows`."""

import csv
import json
import subprocess
import sys

import numpy as np
import pytest

from tests.exits import code_of
from tests.small_runs import CLOSED, finished
from zsl_runner.evaluate.cli import main
from zsl_runner.runs.opened import open_run


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return open_run(finished(tmp_path_factory.mktemp("assigned"), *CLOSED, "dataset=toy", "dataset.train_rows=20"))


def lines(path):
    with path.open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def ask(run, tmp_path, monkeypatch):
    """Return what `zsl-eval RUN` does with further arguments; the current folder is empty."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: main([str(run.directory), *arguments])


def test_rows_without_labels_are_assigned_as_in_python(run, ask, tmp_path, capsys):
    rows = run.data.features[run.data.test_unseen][:40]
    np.save("rows.npy", rows)
    assert ask("--rows", "rows.npy", "--predictions", "found.csv") == 0
    found = lines(tmp_path / "found.csv")
    assert [line["row"] for line in found] == [str(row) for row in range(40)]
    assert {(line["split"], line["true"]) for line in found} == {("rows", "")}
    assert "image" not in found[0]
    everywhere = run.predict(rows)
    assert tuple(line["predicted"] for line in found) == everywhere.classes
    assert tuple(line["predicted_unseen"] for line in found) == run.predict(rows, "unseen").classes
    assert tuple(line["predicted_calibrated"] for line in found) == run.predict(rows, calibrated=True).classes
    for line, scores in zip(found, everywhere.scores, strict=True):
        assert [np.float32(line[f"score: {name}"]) for name in everywhere.candidates] == scores.tolist()
    printed = capsys.readouterr().out.splitlines()
    assert printed[-1] == "written to found.csv"
    heading = next(place for place, line in enumerate(printed) if line.split()[:1] == ["assigned"])
    counts = [line.split() for line in printed[heading + 1 : -1]]
    assert sum(int(count) for _, count, _, _ in counts) == 40
    assert {name: int(count) for name, count, _, _ in counts if count != "0"} == {
        name: everywhere.classes.count(name) for name in set(everywhere.classes)
    }
    assert not (run.directory / "evaluations").exists()


def test_files_are_looked_at_before_the_run_is(run, tmp_path):
    """A misspelt name is told without torch, which takes seconds to import."""
    script = "import sys; from zsl_runner.evaluate.cli import main; code = main(sys.argv[1:]); "
    script += "assert 'torch' not in sys.modules; sys.exit(code)"
    arguments = (run.directory, "--rows", "nix.npy", "--predictions", "x.csv")
    done = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=tmp_path,
        check=False,
    )
    assert (done.returncode, done.stderr) == (2, "zsl-eval: nix.npy: no such file; check the path\n")


def test_classes_of_a_file_take_the_place_of_the_unseen_ones(run, ask, tmp_path, capsys):
    data = run.data
    rows, unseen = data.features[data.test_unseen][:9], data.unseen_classes
    names = [f"new {data.class_names[k]}" for k in unseen]
    np.savez("rows.npz", features=rows, files=[f"{number}.jpg" for number in range(9)])
    np.savez("classes.npz", class_vectors=data.class_vectors[unseen], names=names)
    assert ask("--rows", "rows.npz", "--classes", "classes.npz", "--predictions", "found.csv", "--json") == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["rows"] == "rows.npz: features"
    assert shown["predictions"] == "found.csv"
    assert set(shown["tables"]["assigned"]["rows"]) <= {*names, *(data.class_names[k] for k in data.seen_classes)}
    found = lines(tmp_path / "found.csv")
    assert [line["image"] for line in found] == [f"{number}.jpg" for number in range(9)]
    assert [line["predicted_unseen"] for line in found] == [
        f"new {name}" for name in run.predict(rows, "unseen").classes
    ]


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--rows", "rows.npy"), 2, "--rows: the classes of these rows are written to --predictions FILE.csv"),
        (("--rows", "rows.npy", "--predictions", "x.csv", "--data", "."), 2, "--data has no effect; leave it out"),
        (("--rows", "rows.npy", "--predictions", "x.csv", "evaluator.calibration=none"), 2, "has no effect"),
        (("--classes", "rows.npy"), 2, "--classes: has an effect only with --rows or --generate"),
        (("--rows", "nix.npy", "--predictions", "x.csv"), 2, "nix.npy"),
        (("--rows", "narrow.npy", "--predictions", "x.csv"), 1, "narrow.npy: rows: expected shape (n, 64)"),
        (("--rows", "number.npy", "--predictions", "x.csv"), 1, "number.npy: rows: expected shape (n, 64)"),
        (("--rows", "fewer.npz", "--predictions", "x.csv"), 1, "fewer.npz: files: expected 3 names, one of each row"),
        (("--rows", "names.txt", "--predictions", "x.csv"), 1, "names.txt: rows: expected a matrix of numbers"),
        (
            ("--rows", "rows.npy", "--classes", "vectors.npy", "--predictions", "x.csv"),
            2,
            "vectors.npy: expected names of the classes beside their vectors, as a variable or column names",
        ),
        (
            ("--rows", "rows.npy", "--classes", "known.npz", "--predictions", "x.csv"),
            1,
            "known.npz: class_vectors: names: expected names that tell classes apart",
        ),
        (
            ("--rows", "rows.npy", "--classes", "raw.npz", "--predictions", "x.csv"),
            1,
            "raw.npz: class_vectors: expected unit norm, as the class vectors of toy have, found norms 1 to 5",
        ),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(run, ask, tmp_path, capsys, arguments, code, told):
    np.save("rows.npy", run.data.features[:3])
    np.save("narrow.npy", np.zeros((3, 5)))
    np.save("number.npy", np.float32(3))
    np.savez("fewer.npz", features=run.data.features[:3], files=["a.jpg"])
    np.save("vectors.npy", run.data.class_vectors)
    np.savez("known.npz", class_vectors=run.data.class_vectors, names=run.data.class_names)
    np.savez("raw.npz", class_vectors=run.data.class_vectors[:2] * [[1], [5]], names=["a", "b"])
    (tmp_path / "names.txt").write_text("a\nb\n")
    assert code_of(lambda given: ask(*given), arguments) == code
    assert told in capsys.readouterr().err
    assert not (tmp_path / "x.csv").exists()
