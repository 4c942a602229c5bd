"""Measurements of many rows and classes: a block at a time, never a score for each row and class at once."""

import pytest

from tests.classifiers.generators import honest_generator
from tests.conftest import make_records
from tests.memory import largest_allocation
from tests.slow import slow_if
from tests.zero_shot import zero_shot_folds
from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.evaluation.final_classifier.conf import FinalClassifierConf, FinalClassifierEvaluatorConf
from zsl_runner.evaluation.final_classifier.evaluator import FinalClassifierEvaluator
from zsl_runner.evaluation.predictions import as_csv
from zsl_runner.evaluation.zsl.conf import ZeroShotEvaluatorConf
from zsl_runner.evaluation.zsl.evaluator import ZeroShotEvaluator
from zsl_runner.models.eszsl.conf import ESZSLConf
from zsl_runner.models.eszsl.model import ESZSL
from zsl_runner.streams import Streams

BLOCK = 64


@pytest.fixture(scope="module")
def fold():
    return zero_shot_folds(make_records(seen=300, unseen=60, rows=30)).final()


def by_model(fold, batch_size):
    model = ESZSL(ESZSLConf(), ZeroShotShape(12, 5, 360), Streams(0))
    model.fit(fold.train)
    return ZeroShotEvaluator(ZeroShotEvaluatorConf(batch_size=batch_size), 0), model


def by_classifiers(fold, batch_size):
    classifier = FinalClassifierConf(synthetic_per_class=2, epochs=1, batch_size=BLOCK)
    conf = FinalClassifierEvaluatorConf(classifier=classifier, batch_size=batch_size)
    return FinalClassifierEvaluator(conf, 0), honest_generator(fold)


@pytest.mark.parametrize("scored", [by_model, by_classifiers])
def test_a_measurement_holds_no_score_for_each_row_and_class(fold, scored):
    evaluator, model = scored(fold, BLOCK)
    rows, classes = len(fold.evaluation.unseen), len(fold.evaluation.class_vectors)
    largest = largest_allocation(lambda: evaluator.measure(model, fold, {}))
    assert largest < 4 * rows * classes / 4  # of single precision


@pytest.mark.parametrize("scored", slow_if([by_model], [by_model, by_classifiers]))
def test_a_file_of_predictions_neither(fold, scored):
    evaluator, model = scored(fold, BLOCK)
    measurement = evaluator.measure(model, fold, {})
    rows, classes = len(fold.evaluation.unseen), len(fold.evaluation.class_vectors)
    lines = as_csv(evaluator.predictions(fold.evaluation, measurement), fold.evaluation.class_names)
    assert largest_allocation(lambda: list(lines)) < 4 * rows * classes / 4  # as above


@pytest.mark.slow
def test_neither_does_one_of_rows_that_nobody_labelled(fold):
    evaluator, model = by_model(fold, BLOCK)
    rows, classes = len(fold.evaluation.unseen), len(fold.evaluation.class_vectors)
    ((_, features),) = fold.evaluation.unseen.blocks(rows)
    lines = as_csv(evaluator.predict(model, fold, features, {}), fold.evaluation.class_names)
    assert largest_allocation(lambda: list(lines)) < 4 * rows * classes / 4


@pytest.mark.parametrize("scored", [by_model, by_classifiers])
def test_the_size_of_blocks_decides_nothing(fold, scored):
    in_blocks, at_once = (scored(fold, size) for size in (BLOCK, 10_000))
    assert in_blocks[0].measure(in_blocks[1], fold, {}).metrics == pytest.approx(
        at_once[0].measure(at_once[1], fold, {}).metrics, abs=1e-3
    )
