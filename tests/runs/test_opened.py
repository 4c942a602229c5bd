"""A run opened from Python: features generated in the scale of the data, rows predicted, other rows scored."""

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import torch

from tests.classifiers.generators import honest_generator
from tests.small_runs import CLOSED, SMALL, cut_short, finished
from zsl_runner.data.command.synthesis import synthesize
from zsl_runner.data.load import load
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.errors import ConfigError, DataError, NonFiniteError, RunError
from zsl_runner.evaluation.base import measured
from zsl_runner.evaluation.metrics import mean_class_accuracy
from zsl_runner.runs.opened import open_run
from zsl_runner.runs.result import Result
from zsl_runner.trainers.seen_only.conf import SeenOnlyTrainerConf
from zsl_runner.trainers.seen_only.trainer import SeenOnlyTrainer


@pytest.fixture(scope="module")
def outputs(tmp_path_factory):
    return tmp_path_factory.mktemp("opened")


@pytest.fixture(scope="module")
def sgal(outputs):
    return open_run(finished(outputs, *SMALL, "dataset.feature_scaling=standard"))


@pytest.fixture(scope="module")
def eszsl(outputs):
    return open_run(finished(outputs, *CLOSED, "dataset=toy", "dataset.train_rows=20"))


@pytest.fixture(scope="module")
def classifiers(outputs):
    """A run whose classes are told apart by final classifiers."""
    how = ("evaluator=final_classifier", "evaluator.classifier.epochs=1", "evaluator.calibration=none", "name=c")
    return open_run(finished(outputs, *SMALL, *how))


def accuracy(run, rows, among, **how):
    predicted = run.predict(run.data.features[rows], among, **how)
    return mean_class_accuracy(torch.from_numpy(run.data.labels[rows]), torch.from_numpy(predicted.ids))


@pytest.mark.parametrize("name", ["sgal", "eszsl"])
def test_predictions_give_the_reported_metrics(name, request):
    run = request.getfixturevalue(name)
    reported, data = Result.load(run.directory).metrics, run.data
    assert accuracy(run, data.test_unseen, "unseen") == reported["test/T1"]
    assert accuracy(run, data.test_unseen, "all") == reported["test/U"]
    assert accuracy(run, data.test_seen, "all") == reported["test/S"]


def test_calibrated_predictions_give_the_reported_metrics(eszsl, classifiers):
    reported, data = eszsl.result.metrics, eszsl.data
    assert reported["test/U_cal"] > reported["test/U"]
    for rows, metric in ((data.test_unseen, "test/U_cal"), (data.test_seen, "test/S_cal")):
        # the same decisions, whose shares are added in another order
        assert accuracy(eszsl, rows, "all", calibrated=True) == pytest.approx(reported[metric], rel=1e-12)
    with pytest.raises(RunError, match="the offset lies between seen and unseen classes, which among='all' has"):
        eszsl.predict(data.features[:1], "unseen", calibrated=True)
    with pytest.raises(RunError, match="no offset was chosen on validation classes; a run with evaluator"):
        classifiers.predict(data.features[:1], calibrated=True)


def test_scoring_a_trained_run_imports_no_compiler(sgal):
    """It takes as long as importing torch; nothing is compiled here."""
    script = "import sys; from zsl_runner.evaluate.cli import main; code = main([sys.argv[1]]); "
    script += "assert 'torch' in sys.modules and 'torch._dynamo' not in sys.modules; sys.exit(code)"
    done = subprocess.run(
        [sys.executable, "-c", script, sgal.directory], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert f" {Result.load(sgal.directory).metrics['test/H']:.2f} %\n" in done.stdout


class SlowStart(SeenOnlyTrainer):
    """A trainer of a user's own that prepares its optimisers where it is built."""

    def __init__(self, conf, context):
        super().__init__(conf, context)
        context.optimisers.set_lr("prior", 1e-5)
        context.optimisers.restart("autoencoder")


def test_a_trainer_that_sets_a_learning_rate_where_it_is_built(outputs, monkeypatch):
    monkeypatch.setattr(SeenOnlyTrainerConf, "implementation", f"{__name__}:{SlowStart.__name__}")
    own = ("model=vzsl", "dataset=toy", "dataset.train_rows=20", "trainer.steps=2", "runtime.device=cpu", "name=slow")
    run = open_run(finished(outputs, *own, "tracker.figures=false", "tracker.progress=none"))
    assert accuracy(run, run.data.test_unseen, "unseen") == run.result.metrics["test/T1"]


def test_what_is_predicted_is_named(eszsl):
    data = eszsl.data
    found = eszsl.predict(data.features[:5], among="unseen")
    assert found.candidates == tuple(data.class_names[k] for k in data.unseen_classes)
    assert found.scores.shape == (5, len(data.unseen_classes))
    assert found.classes == tuple(found.candidates[k] for k in found.scores.argmax(1))
    assert found.classes == tuple(eszsl.classes[k] for k in found.ids)
    assert repr(found) == f"PredictedRows(5 rows, {len(data.unseen_classes)} candidates)"
    assert eszsl.predict(data.features[:5]).scores.shape == (5, len(data.class_names))


def test_nothing_is_moved_by_use(sgal):
    first = sgal.generate([0, 1], 3), sgal.predict(sgal.data.features[:9]).scores
    assert (
        measured(sgal.evaluator, sgal.stage, sgal.model, sgal.fold, sgal.choices).metrics["test/T1"]
        == (Result.load(sgal.directory).metrics["test/T1"])
    )
    again = sgal.generate([0, 1], 3), sgal.predict(sgal.data.features[:9]).scores
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], sgal.generate([0, 1], 3, seed=1))


@pytest.mark.parametrize("scaling", ["none", "minmax", "standard", "center_l2"])
def test_generated_features_are_in_the_scale_of_the_data(outputs, scaling):
    """With a generator that knows the class means after the scaling, the means must be those before it."""
    directory = finished(outputs, *CLOSED, "dataset=toy", f"dataset.feature_scaling={scaling}", f"name=of_{scaling}")
    run = open_run(directory)
    run = dataclasses.replace(run, model=honest_generator(run.fold, spread=0.0))
    data = run.data
    found = run.generate(list(run.classes), 4)
    assert found.shape == (len(run.classes), 4, data.features.shape[1])
    assert found.dtype == np.float32
    test = np.concatenate([data.test_seen, data.test_unseen])
    means = np.stack([data.features[test[data.labels[test] == k]].mean(0) for k in range(len(run.classes))])
    if scaling == "center_l2":  # norms of single rows are lost, and with them a little of the means
        centre = data.features[data.trainval].mean(0)
        a, b = found[:, 0] - centre, means - centre
        cosine = (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)
        assert cosine.min() > 0.99
        assert np.linalg.norm(a, axis=1).mean() == pytest.approx(np.linalg.norm(b, axis=1).mean(), rel=0.1)
    else:
        np.testing.assert_allclose(found[:, 0], means, rtol=1e-3, atol=1e-3)


def test_classes_are_generated_one_after_the_other(sgal):
    run = dataclasses.replace(sgal, model=honest_generator(sgal.fold, spread=0.0))
    both = run.generate([3, "class_001"], 2)
    assert np.array_equal(both[0], run.generate(3, 2)[0])
    assert np.array_equal(both[1], run.generate("class_001", 2)[0])
    assert not np.array_equal(both[0], both[1])


def test_classes_of_ones_own_are_described_by_vectors(sgal):
    vectors = sgal.data.class_vectors
    run = sgal.with_classes([vectors[3], vectors[1], 0.5 * (vectors[3] + vectors[1])], ["three", "one", "between"])
    assert run.classes == (*sgal.classes, "three", "one", "between")
    assert np.array_equal(run.generate(["three", "one"], 4, seed=2), sgal.generate([3, 1], 4, seed=2))
    between = run.generate("between", 200)[0].mean(0)
    apart = [np.linalg.norm(between - sgal.generate(k, 200)[0].mean(0)) for k in range(len(vectors))]
    assert max(apart[1], apart[3]) < np.median(apart)
    assert sgal.classes == sgal.data.class_names  # the run itself stays as it was


@pytest.mark.parametrize("name", ["sgal", "eszsl", "classifiers"])
def test_rows_are_predicted_among_classes_of_ones_own(name, request):
    run = request.getfixturevalue(name)
    data, unseen = run.data, run.data.unseen_classes
    renamed = [f"my {data.class_names[k]}" for k in unseen]
    same = run.with_classes(data.class_vectors[unseen], renamed)
    rows = data.features[data.test_unseen]
    for among in ("all", "unseen"):
        own, theirs = same.predict(rows, among), run.predict(rows, among)
        assert np.array_equal(own.scores, theirs.scores)
        assert own.candidates[-len(unseen) :] == tuple(renamed)
        assert own.candidates[: -len(unseen)] == theirs.candidates[: -len(unseen)]
        assert own.classes == tuple(same.classes[k] for k in own.ids)
    fewer = run.with_classes(data.class_vectors[unseen[:1]], ["mine"])
    assert set(fewer.predict(rows, "unseen").classes) == {"mine"}
    assert fewer.predict(rows[:3]).candidates == (*(run.classes[k] for k in data.seen_classes), "mine")
    again = fewer.with_classes(data.class_vectors[unseen], renamed)
    assert again.classes[len(data.class_names) :] == ("mine", *renamed)
    assert np.array_equal(again.predict(rows).scores, run.predict(rows).scores)


def test_rows_of_a_folder_with_more_classes_are_scored(own, tmp_path):
    run, _ = own
    synthesize(tmp_path / "more", ToyConf(name="toy", train_rows=20, unseen=9))
    more = load(run.config.dataset.moved_to(str(tmp_path / "more")))
    new = [k for k, name in enumerate(more.class_names) if name not in run.classes]
    fold, others, _ = run.with_classes(more.class_vectors[new], [more.class_names[k] for k in new]).other_rows(
        tmp_path / "more"
    )
    assert len(fold.evaluation.unseen) == np.isin(others.labels, new).sum()
    assert fold.evaluation.class_names[-len(new) :] == tuple(more.class_names[k] for k in new)


def test_what_cannot_be_generated_is_refused(sgal, eszsl):
    with pytest.raises(RunError, match="model eszsl generates no features of classes"):
        eszsl.generate(0, 1)
    with pytest.raises(DataError, match=r"unknown class 'class_0001'; expected a name of the run's classes; did you"):
        sgal.generate("class_0001", 1)
    for wrong in (0, -1, 1.5, "2"):
        with pytest.raises(RunError, match="n: expected a positive number"):
            sgal.generate(0, wrong)


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a"], "expected 2, one for each class vector, found 1"),
        ("ab", "expected 2, one for each class vector, found 1"),
        (["a", "a"], "found 'a', which is that of two classes"),
        (["a", "class_002"], "found 'class_002', which is that of a class that the run has already"),
        (["a", 3], "expected a name for each class, found 3"),
        (["a", ""], "expected a name for each class, found ''"),
    ],
)
def test_names_that_do_not_tell_classes_apart_are_refused(sgal, names, words):
    with pytest.raises(DataError, match=f"^names: .*{words}"):
        sgal.with_classes(sgal.data.class_vectors[:2], names)


def test_vectors_that_do_not_fit_are_refused(sgal):
    with pytest.raises(DataError, match=r"class_vectors: expected shape \(n, 20\).* found \(20,\)"):
        sgal.with_classes(sgal.data.class_vectors[0], ["mine"])


def test_what_cannot_be_predicted_is_refused(sgal):
    with pytest.raises(DataError, match=r"expected shape \(n, 64\)"):
        sgal.predict(np.zeros((2, 3)))
    with pytest.raises(DataError, match="NaN, infinity or larger ones in 1 of 2 rows, first in row 1"):
        sgal.predict(np.stack([np.zeros(64), np.full(64, np.nan)]))
    with pytest.raises(RunError, match="among: expected all or unseen, found 'seen'"):
        sgal.predict(np.zeros((2, 64)), among="seen")


def test_a_model_that_diverges_is_no_answer(sgal):
    run = dataclasses.replace(sgal, model=honest_generator(sgal.fold, spread=float("nan")))
    with pytest.raises(NonFiniteError, match="generated features"):
        run.generate(0, 2)


def test_a_stopped_run_predicts_among_the_classes_of_its_stage(outputs):
    run = open_run(cut_short(outputs, *SMALL, "name=stopped", at=2))
    assert (run.stage, run.status) == ("tune", "running")
    names = run.predict(run.data.features[:2], among="unseen").candidates
    assert names == tuple(run.data.class_names[k] for k in run.data.validation_classes)
    assert not set(run.predict(run.data.features[:2]).candidates) & {run.classes[k] for k in run.data.unseen_classes}


IMAGES = ("dataset=digits_quadrant", "model=baseline_nn", "model.hidden=[8]", "trainer.epochs=1")


def test_a_run_on_other_data_says_what_it_lacks(outputs):
    quiet = ("tracker.figures=false", "tracker.progress=none", "tracker.tensorboard=false", "runtime.device=cpu")
    run = open_run(finished(outputs, *IMAGES, *quiet))
    with pytest.raises(RunError, match="generates no features of classes"):
        run.generate(0, 1)
    with pytest.raises(RunError, match="measures a model without assigning rows to classes"):
        run.predict(np.zeros((1, 64)))
    with pytest.raises(DataError, match="expected features with class vectors"):
        _ = run.classes
    with pytest.raises(DataError, match="expected features with class vectors"):
        run.with_classes([[1.0]], ["mine"])
    with pytest.raises(DataError, match="expected features with class vectors"):
        run.other_rows(outputs)


# Rows of another folder


@pytest.fixture(scope="module")
def own(outputs):
    """A run on files, and its folder."""
    folder = outputs / "data"
    synthesize(folder, ToyConf(name="toy", train_rows=20))
    overrides = ("dataset=xlsa17", "dataset.name=mine", f"dataset.root='{folder}'", "dataset.cache=null", *CLOSED)
    return open_run(finished(outputs, *overrides)), folder


def test_the_rows_of_another_folder_are_scored(own, tmp_path):
    run, _ = own
    synthesize(tmp_path / "new", ToyConf(name="toy", train_rows=20, data_seed=1))
    fold, others, remarks = run.other_rows(tmp_path / "new")
    metrics = measured(run.evaluator, run.stage, run.model, fold, run.choices).metrics
    assert {tag.partition("/")[0] for tag in metrics} == {"new"}
    assert remarks == []
    unseen = np.flatnonzero(np.isin(others.labels, run.data.unseen_classes))
    predicted = run.predict(others.features[unseen]).ids
    assert metrics["new/U"] == mean_class_accuracy(torch.from_numpy(others.labels[unseen]), torch.from_numpy(predicted))


def test_the_runs_own_folder_as_new_data_is_told(own):
    run, folder = own
    _, others, remarks = run.other_rows(folder)
    assert remarks == [f"{len(others.trainval)} new rows equal rows the run was trained on: the metrics are too good"]


def test_folders_that_do_not_fit_are_refused(own, sgal, tmp_path):
    run, folder = own
    synthesize(tmp_path / "wide", ToyConf(name="toy", train_rows=20, width=7))
    synthesize(tmp_path / "more", ToyConf(name="toy", train_rows=20, unseen=9))
    for name, words in (("wide", "expected 64 features"), ("more", "classes of the run by name"), ("none", "res101")):
        with pytest.raises(DataError, match=words):
            run.other_rows(tmp_path / name)
    with pytest.raises(ConfigError, match="data set toy cannot be read from another folder"):
        sgal.other_rows(folder)


@pytest.mark.parametrize("device", ["nix", "gpu", "cuda:x", ""])
def test_a_device_that_is_none_is_refused_before_anything_is_read(tmp_path, device):
    with pytest.raises(ConfigError, match=f"^device: expected auto, cpu, cuda or cuda:N, found '{device}'$"):
        open_run(tmp_path / "no run", device)
