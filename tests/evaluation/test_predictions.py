"""Predictions row by row: what they give class by class is what the evaluators report."""

import csv
import dataclasses

import numpy as np
import pytest
import torch

from tests.classifiers.generators import honest_generator
from tests.zero_shot import zero_shot_folds
from zsl_runner.config.registry import resolve, schemas
from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.errors import RunError
from zsl_runner.evaluation.base import Evaluator
from zsl_runner.evaluation.class_tables import class_accuracies, confusions
from zsl_runner.evaluation.final_classifier.conf import FinalClassifierConf, FinalClassifierEvaluatorConf
from zsl_runner.evaluation.final_classifier.evaluator import FinalClassifierEvaluator
from zsl_runner.evaluation.metrics import harmonic_mean, mean_class_accuracy
from zsl_runner.evaluation.predictions import Predictions, as_csv, joined
from zsl_runner.evaluation.zsl.conf import ZeroShotEvaluatorConf
from zsl_runner.evaluation.zsl.evaluator import OFFSET, ZeroShotEvaluator
from zsl_runner.models.eszsl.conf import ESZSLConf
from zsl_runner.models.eszsl.model import ESZSL
from zsl_runner.streams import Streams

EVALUATORS = sorted(schemas("evaluator"))


@pytest.fixture(params=["zsl", "final_classifier"])
def scored(request, records):
    """Return (evaluator, model, fold) of accuracies below 100."""
    fold = zero_shot_folds(records, feature_scaling="standard").final()
    if request.param == "zsl":
        model = ESZSL(ESZSLConf(), ZeroShotShape(12, 5, 9), Streams(0))
        model.fit(fold.train)
        return ZeroShotEvaluator(ZeroShotEvaluatorConf(batch_size=50, calibration="val"), 0), model, fold
    classifier = FinalClassifierConf(synthetic_per_class=40, epochs=2)
    conf = FinalClassifierEvaluatorConf(classifier=classifier, batch_size=50, calibration="val")
    return FinalClassifierEvaluator(conf, 0), honest_generator(fold, spread=2.0), fold


def by_scores(model, data, offset):
    """Return the metrics of a model by the class numbers alone, without the evaluator."""
    unseen = torch.isin(torch.arange(len(data.class_vectors)), data.unseen_classes)

    def accuracy(rows, labels, penalty):
        scores = model.class_scores(rows.take(torch.arange(len(rows))), data.class_vectors)
        return mean_class_accuracy(labels, (scores - penalty).argmax(1))

    found = {"test/T1": accuracy(data.unseen, data.unseen_labels, torch.where(unseen, 0.0, torch.inf))}
    for end, gamma in (("", 0.0), ("_cal", offset)):
        penalty = torch.where(unseen, 0.0, gamma)
        u, s = accuracy(data.unseen, data.unseen_labels, penalty), accuracy(data.seen, data.seen_labels, penalty)
        found |= {f"test/U{end}": u, f"test/S{end}": s, f"test/H{end}": harmonic_mean(u, s)}
    return found


def test_other_numbers_for_the_classes_change_no_metric(records):
    """Class vectors and rows keep their classes; seen and unseen ones are mixed, so that places are no class ids."""
    number = np.random.default_rng(2).permutation(len(records.class_vectors))
    renamed = dataclasses.replace(
        records,
        labels=number[records.labels],
        class_vectors=records.class_vectors[np.argsort(number)],
        **{
            name: np.sort(number[getattr(records, name)])
            for name in ("seen_classes", "unseen_classes", "validation_classes")
        },
    )
    assert not (np.diff(renamed.seen_classes) == 1).all()
    found = []
    for source in (records, renamed):
        fold = zero_shot_folds(source, feature_scaling="standard").final()
        model = ESZSL(ESZSLConf(), fold.train.shape, Streams(0))
        model.fit(fold.train)
        evaluator = ZeroShotEvaluator(ZeroShotEvaluatorConf(calibration="val"), 0)
        metrics = evaluator.measure(model, fold, {OFFSET: 0.1}).metrics
        expected = by_scores(model, fold.evaluation, 0.1)
        assert {tag: metrics[tag] for tag in expected} == pytest.approx(expected, abs=1e-9)
        found.append(metrics)
    assert found[1] == pytest.approx(found[0], abs=1e-6)
    assert 0 < found[0]["test/H"] < found[0]["test/H_cal"] < 100
    assert found[0]["test/T1"] > 50


def mean_of_classes(lines, column):
    classes = {line["true"] for line in lines}
    return np.mean([100 * np.mean([line[column] == c for line in lines if line["true"] == c]) for c in sorted(classes)])


def test_the_file_gives_the_metrics_again(scored):
    evaluator, model, fold = scored
    measurement = evaluator.measure(model, fold, {})
    groups = joined(evaluator.predictions(fold.evaluation, measurement))
    lines = list(csv.DictReader(as_csv(groups, fold.evaluation.class_names)))
    seen = [line for line in lines if line["split"] == "test_seen"]
    unseen = [line for line in lines if line["split"] == "test_unseen"]
    assert len(seen) + len(unseen) == len(lines) == len(fold.evaluation.seen) + len(fold.evaluation.unseen)
    metrics = measurement.metrics
    assert mean_of_classes(seen, "predicted") == pytest.approx(metrics["test/S"], rel=1e-12)
    assert mean_of_classes(unseen, "predicted") == pytest.approx(metrics["test/U"], rel=1e-12)
    assert mean_of_classes(unseen, "predicted_unseen") == pytest.approx(metrics["test/T1"], rel=1e-12)
    assert {line["predicted_unseen"] for line in seen} == {""}
    assert 0 < metrics["test/H"] < 100


def test_the_file_gives_the_calibrated_metrics_again(scored, records):
    evaluator, model, fold = scored
    scores = joined(evaluator.predictions(fold.evaluation, evaluator.measure(model, fold, {})))[1].scores
    seen = len(fold.evaluation.seen_classes)
    offset = float((scores[:, :seen].amax(1) - scores[:, seen:].amax(1)).median())  # moves half of these rows
    measurement = evaluator.measure(model, fold, {OFFSET: offset})
    groups = joined(evaluator.predictions(fold.evaluation, measurement))
    lines = list(csv.DictReader(as_csv(groups, fold.evaluation.class_names)))
    for metric, split in (("S_cal", "test_seen"), ("U_cal", "test_unseen")):
        of_split = [line for line in lines if line["split"] == split]
        found = mean_of_classes(of_split, "predicted_calibrated")
        assert found == pytest.approx(measurement.metrics[f"test/{metric}"], rel=1e-12)
    assert any(line["predicted_calibrated"] != line["predicted"] for line in lines)
    (new,) = joined(evaluator.predict(model, fold, records.features[records.test_unseen], {OFFSET: offset}))
    assert torch.equal(new.calibrated, groups[1].calibrated)
    without = joined(evaluator.predictions(fold.evaluation, evaluator.measure(model, fold, {})))
    assert all(group.calibrated is None for group in without)
    lines = csv.DictReader(as_csv(without, fold.evaluation.class_names))
    assert {line["predicted_calibrated"] for line in lines} == {""}


def test_the_file_has_rows_labels_and_scores_of_the_data(scored, records):
    evaluator, model, fold = scored
    names = records.class_names
    groups = joined(evaluator.predictions(fold.evaluation, evaluator.measure(model, fold, {})))
    lines = list(csv.DictReader(as_csv(groups, names)))
    assert [int(line["row"]) for line in lines] == [*records.test_seen, *records.test_unseen]
    for line in lines:
        assert names[records.labels[int(line["row"])]] == line["true"]
        scores = {name: np.float32(line[f"score: {name}"]) for name in names}
        assert max(scores, key=scores.get) == line["predicted"]


def test_the_file_is_made_line_by_line():
    """The text of 60,000 rows and 2,000 classes has more than a gigabyte."""
    scores = torch.zeros(3000, 50)
    group = Predictions("test_seen", torch.arange(3000), None, torch.arange(50), scores)
    lines = as_csv([group], tuple(map(str, range(50))))
    assert next(lines).startswith("row,split,true,predicted,predicted_unseen,predicted_calibrated,score: 0,")
    assert next(lines) == "0,test_seen,,0,,," + ",".join(["0"] * 50) + "\n"
    assert sum(1 for _ in lines) == 2999


def test_blocks_are_those_of_whole_groups(scored):
    evaluator, model, fold = scored
    measurement = evaluator.measure(model, fold, {OFFSET: 0.1})
    blocks = list(evaluator.predictions(fold.evaluation, measurement))
    assert max(len(block.rows) for block in blocks) == 50
    text = "".join(as_csv(iter(blocks), fold.evaluation.class_names))
    groups = joined(blocks)
    assert len(groups) == 2 < len(blocks)
    assert text == "".join(as_csv(groups, fold.evaluation.class_names))
    for group, decided in zip(groups, joined(block.decided for block in blocks), strict=True):
        assert decided.name == group.name
        for column in ("labels", "predicted", "predicted_unseen", "calibrated"):
            whole, found = getattr(group.decided, column), getattr(decided, column)
            assert (whole is None and found is None) or torch.equal(whole, found)


def test_new_rows_are_predicted_as_measured_ones(scored, records):
    evaluator, model, fold = scored
    groups = joined(evaluator.predictions(fold.evaluation, evaluator.measure(model, fold, {})))
    (found,) = joined(evaluator.predict(model, fold, records.features[records.test_unseen], {}))
    assert torch.equal(found.scores, groups[1].scores)
    assert torch.equal(found.conventional, groups[1].conventional)
    (one,) = evaluator.predict(model, fold, records.features[records.test_seen[:1]], {})
    torch.testing.assert_close(one.scores, groups[0].scores[:1])


def test_class_accuracies_average_to_the_metrics(scored):
    evaluator, model, fold = scored
    measurement = evaluator.measure(model, fold, {})
    decided = joined(block.decided for block in evaluator.predictions(fold.evaluation, measurement))
    table = class_accuracies(decided, fold.evaluation.class_names)
    unseen = [line for line in table.values if line[2] is not None]
    seen = [line for line in table.values if line[2] is None]
    assert (len(seen), len(unseen)) == (6, 3)
    found = {"S": np.mean([v[1] for v in seen]), "U": np.mean([v[1] for v in unseen])}
    found["T1"] = np.mean([v[2] for v in unseen])
    assert found == pytest.approx({name: measurement.metrics[f"test/{name}"] for name in found}, rel=1e-12)


def test_the_pairs_confused_most_often_come_first():
    labels, predicted = torch.tensor([0, 0, 0, 0, 1, 1, 2]), torch.tensor([1, 1, 2, 0, 0, 1, 2])
    scores = torch.nn.functional.one_hot(predicted, 3).float()
    group = Predictions("test_seen", torch.arange(7), labels, torch.arange(3), scores)
    table = confusions([group.decided], ("a", "b", "c"))
    assert table.rows == ("a -> b", "a -> c", "b -> a")
    assert table.values == ((2, 50.0), (1, 25.0), (1, 50.0))
    assert confusions([group.decided], ("a", "b", "c"), most=1).rows == ("a -> b",)
    right = Predictions("test_seen", torch.arange(3), torch.arange(3), torch.arange(3), torch.eye(3))
    assert confusions([right.decided], ("a", "b", "c")).rows == ()


@pytest.mark.parametrize("kind", EVALUATORS)
def test_an_evaluator_predicts_both_ways_or_says_that_it_does_not(kind):
    conf = schemas("evaluator")[kind]()
    evaluator = resolve(conf.implementation)
    own = [getattr(evaluator, name) is not getattr(Evaluator, name) for name in ("predictions", "predict")]
    assert len(set(own)) == 1
    if not own[0]:
        for ask in (lambda e: e.predictions(None, None), lambda e: e.predict(None, None, None, {})):
            with pytest.raises(RunError, match=f"evaluator {conf.name} measures a model without assigning rows"):
                ask(evaluator(conf, 0))
