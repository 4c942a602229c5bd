"""A run started in Python is the command's, bit for bit; what zsl-eval writes of it gives its metrics again."""

import csv
import json

import numpy as np
import pytest

import zsl_runner as zsl
from tests.recipes.comparison import straight_run
from tests.recipes.conftest import QUICK
from tests.weights import same
from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.evaluate.cli import main
from zsl_runner.evaluate.scores import TEST_ROWS
from zsl_runner.runs.result import Result

SHORT = [*QUICK, "trainer.pretrain_steps=20", "trainer.em.iterations=20"]
FINAL = ["model=f_clswgan", "evaluator.classifier.synthetic_per_class=20", "evaluator.classifier.epochs=2"]


@pytest.fixture(scope="module")
def directory(tmp_path_factory, launch):
    """A run of the command."""
    return straight_run(tmp_path_factory, launch, *SHORT, "runtime.device=cpu")


def accuracies(path):
    """Return T1, U and S of a file of predictions."""
    lines = list(csv.DictReader(path.open()))
    found = {}
    for name, split, column in (
        ("T1", "test_unseen", "predicted_unseen"),
        ("U", "test_unseen", "predicted"),
        ("S", "test_seen", "predicted"),
    ):
        mine = [line for line in lines if line["split"] == split]
        classes = {line["true"] for line in mine}
        right = [[line[column] == c for line in mine if line["true"] == c] for c in classes]
        found[f"test/{name}"] = 100 * np.mean([np.mean(one) for one in right])
    return found


def test_a_run_in_python_is_the_commands_to_the_bit(directory, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    run = zsl.run([*SHORT, "runtime.device=cpu", "name=straight"])
    command, mine = Result.load(directory), Result.load(run.directory)
    assert mine.metrics == command.metrics
    assert mine.validation == command.validation
    assert mine.config_hash == command.config_hash
    assert (run.directory / "metrics.csv").read_bytes() == (directory / "metrics.csv").read_bytes()
    assert same(run.model.state_dict(), zsl.open_run(directory).model.state_dict())


def test_predictions_in_a_file_give_the_metrics_of_the_run(directory, tmp_path, capsys):
    file = tmp_path / "predictions.csv"
    assert main([str(directory), "--predictions", str(file)]) == 0
    printed = capsys.readouterr().out
    reported = Result.load(directory).metrics
    found = accuracies(file)
    assert found == pytest.approx({name: reported[name] for name in found}, rel=1e-12)
    assert TEST_ROWS in printed
    (kept,) = (directory / "evaluations").glob("*.json")
    scores = json.loads(kept.read_text())
    assert TEST_ROWS in scores["warnings"]
    assert scores["predictions"] == str(file)
    assert set(scores["tables"]) == {"classes", "confusions"}
    assert all(row in printed for row in scores["tables"]["confusions"]["rows"])


@pytest.mark.slow
def test_predictions_of_final_classifiers_do_too(tmp_path, zsl_run):
    quick = [text for text in QUICK if text.startswith(("dataset", "tracker"))]
    zsl_run(*quick, *FINAL, "trainer.epochs=1", "runtime.device=cpu", "name=it")
    directory, file = tmp_path / "outputs/f_clswgan/toy/it", tmp_path / "p.csv"
    assert main([str(directory), "--predictions", str(file), "--json"]) == 0
    found, reported = accuracies(file), Result.load(directory).metrics
    assert found == pytest.approx({name: reported[name] for name in found}, rel=1e-12)
    run = zsl.open_run(directory)
    assert run.generate(run.classes[:2], 3).shape == (2, 3, 64)


def test_validation_rows_carry_no_warning(tmp_path, zsl_run, capsys):
    zsl_run(*SHORT, "runtime.device=cpu", "name=tuned", "evaluator.stages=[tune]")
    file = tmp_path / "tuned.csv"
    assert main([str(tmp_path / "outputs/sgal/toy/tuned"), "--predictions", str(file)]) == 0
    assert TEST_ROWS not in capsys.readouterr().out
    assert {line["split"] for line in csv.DictReader(file.open())} == {"val_seen", "val_unseen"}


def test_new_rows_are_scored_under_a_name_of_their_own(tmp_path, zsl_run, capsys):
    for number in (0, 1):
        synthesize(tmp_path / f"data_{number}", ToyConf(name="toy", train_rows=20, data_seed=number))
    own = ["dataset=xlsa17", f"dataset.root={tmp_path}/data_0", "dataset.name=mine", "dataset.cache=null"]
    zsl_run(*own, "model=eszsl", "runtime.device=cpu", "name=it", "tracker.figures=false")
    directory = tmp_path / "outputs/eszsl/mine/it"
    before = Result.load(directory)
    assert main([str(directory), "--data", str(tmp_path / "data_1"), "--json"]) == 0
    scores = json.loads(capsys.readouterr().out)
    assert {tag.partition("/")[0] for tag in scores["metrics"]} == {"new"}
    assert scores["data"]["files"][0]["path"] == str(tmp_path / "data_1/res101.mat")
    assert scores["warnings"] == []
    synthesize(tmp_path / "narrow", ToyConf(name="toy", train_rows=20, width=9))
    assert main([str(directory), "--data", str(tmp_path / "narrow")]) == 2
    assert "features, as the run has, found 9" in capsys.readouterr().err
    assert Result.load(directory) == before


def test_a_run_goes_on_and_is_scored_with_data_that_were_moved(tmp_path, zsl_run, kill_at, capsys):
    for number in (0, 1):
        synthesize(tmp_path / f"data_{number}", ToyConf(name="toy", train_rows=20, data_seed=number))
    own = ["dataset=xlsa17", f"dataset.root={tmp_path}/data_0", "dataset.name=mine", "dataset.cache=null"]
    trained = [part for part in SHORT if part != "dataset=toy"]
    directory = kill_at(20, tmp_path / "outputs/sgal/mine/it", *own, *trained, "runtime.device=cpu")
    (tmp_path / "data_0").rename(tmp_path / "moved")
    resume = f"resume={directory}"
    assert "dataset.root=FOLDER says where they are" in zsl_run(resume, code=2).stderr
    assert "the data are not what the run began with" in zsl_run(resume, "dataset.root=data_1", code=1).stderr
    zsl_run(resume, "dataset.root=moved")
    assert Result.load(directory).status == "complete"
    zsl_run("-m", resume, "dataset.root=moved", "dataset.cache=null")
    assert main([str(directory)]) == 1
    assert "data that were moved: say where they are now, by zsl-eval RUN --root" in capsys.readouterr().err
    assert main([str(directory), "--root", str(tmp_path / "data_1")]) == 1
    assert "the data are not what the run began with" in capsys.readouterr().err
    assert main([str(directory), "--root", str(tmp_path / "moved"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["metrics"]["test/H"] == Result.load(directory).metrics["test/H"]
    opened = zsl.open_run(directory, root=tmp_path / "moved")
    assert opened.data.provenance.files[0].path == str(tmp_path / "moved/res101.mat")


def test_data_without_files_cannot_have_been_moved(tmp_path, zsl_run, capsys):
    zsl_run("dataset=toy", "model=eszsl", "runtime.device=cpu", "name=it", "tracker=minimal")
    assert main([str(tmp_path / "outputs/eszsl/toy/it"), "--root", str(tmp_path)]) == 2
    assert "the data set toy is not read from a folder" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--predictions", "p.txt"], "expected a file that ends in .csv"),
        (["--predictions", "nowhere/p.csv"], "nowhere: no such folder"),
        (["--predictions", "there.csv"], "exists already"),
        (["--data", "nowhere"], "nowhere: no such folder"),
        (["--root", "nowhere"], "nowhere: no such folder"),
    ],
)
def test_places_that_cannot_be_used_are_refused_first(arguments, words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "there.csv").write_text("kept")
    try:
        code = main(["outputs/absent", *arguments])
    except SystemExit as left:  # argparse
        code = left.code
    assert code == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["there.csv"]
    assert (tmp_path / "there.csv").read_text() == "kept"
