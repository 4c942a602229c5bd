"""The evaluator that trains final classifiers: reproducible, without effect on training, honest about its looks."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.classifiers.generators import honest_generator
from tests.conftest import make_records
from tests.zero_shot import zero_shot_folds
from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.errors import NonFiniteError
from zsl_runner.evaluation.final_classifier.conf import FinalClassifierConf, FinalClassifierEvaluatorConf
from zsl_runner.evaluation.final_classifier.evaluator import FinalClassifierEvaluator
from zsl_runner.evaluation.metrics import mean_class_accuracy
from zsl_runner.evaluation.zsl.figures import generated_rows
from zsl_runner.models.eszsl.conf import ESZSLConf
from zsl_runner.models.eszsl.model import ESZSL
from zsl_runner.streams import Streams

QUICK = FinalClassifierConf(synthetic_per_class=40, epochs=15, lr=0.02)


def cut(records, stage="final"):
    return zero_shot_folds(records).cut(stage)


def evaluator(seed=0, classifier=QUICK, **options):
    return FinalClassifierEvaluator(FinalClassifierEvaluatorConf(classifier=classifier, **options), seed)


def measured(fold, model=None, choices=(), seed=0, **options):
    return evaluator(seed, **options).measure(model or honest_generator(fold), fold, dict(choices))


@pytest.fixture
def fold(records):
    return cut(records)


@pytest.fixture
def vague(fold):
    """Return a generator whose classes overlap, so that accuracies are below 100."""
    return honest_generator(fold, spread=3.0)


def test_a_good_generator_gives_good_classifiers(fold):
    metrics = measured(fold).metrics
    assert metrics.keys() == {"test/T1", "test/U", "test/S", "test/H", "test/AUSUC"}
    assert min(metrics.values()) > 97


def test_few_generated_rows_of_a_class_which_make_many_steps_are_told(fold):
    many = FinalClassifierConf(synthetic_per_class=1, epochs=20_000)
    rows = len(fold.train.labels) + len(fold.train.unseen_classes)
    told = evaluator(classifier=many).slow(fold)
    assert f"{20_000 * rows:,} steps of 1 rows" in told
    assert f"batch_size=256 it takes {20_000 * -(-rows // 256):,} steps" in told
    assert evaluator(classifier=dataclasses.replace(many, batch_size=1)).slow(fold) == ""  # it was asked for
    assert evaluator(classifier=dataclasses.replace(many, epochs=25)).slow(fold) == ""


def test_the_error_of_a_class_prior_is_100_times_the_sum_of_absolute_differences(fold):
    truth = fold.evaluation.unseen_frequencies()
    assert len(truth) > 1
    wrong = truth.clone()
    wrong[0], wrong[1] = wrong[0] + 0.1, wrong[1] - 0.1
    assert evaluator().diagnose(fold.evaluation, {"class_prior": truth}) == {"prior_error": 0}
    found = evaluator().diagnose(fold.evaluation, {"class_prior": wrong})
    assert found == {"prior_error": pytest.approx(20, rel=1e-5)}
    assert evaluator().diagnose(fold.evaluation, {}) == {}


def test_t1_is_that_of_a_classifier_of_unseen_classes_alone(fold, vague):
    few = dataclasses.replace(QUICK, synthetic_per_class_zsl=1, epochs=1, epochs_gzsl=15)
    found, usual = measured(fold, vague, classifier=few).metrics, measured(fold, vague).metrics
    assert found["test/T1"] < usual["test/T1"]
    assert {tag for tag in found if found[tag] == usual[tag]} == {"test/U", "test/S", "test/H", "test/AUSUC"}
    fewer_rows = dataclasses.replace(QUICK, synthetic_per_class_zsl=1, batch_size=QUICK.synthetic_per_class)
    found = measured(fold, vague, classifier=fewer_rows).metrics
    assert found["test/T1"] < usual["test/T1"]
    assert found["test/H"] == usual["test/H"]


def test_measuring_again_gives_the_same_bits(fold, vague):
    first = measured(fold, vague)
    again = measured(fold, vague)
    assert first.metrics == again.metrics
    assert torch.equal(first.details.unseen.gap, again.details.unseen.gap)
    assert not torch.equal(first.details.unseen.gap, measured(fold, vague, seed=1).details.unseen.gap)


def test_the_batch_size_changes_no_decision(fold, vague):
    assert measured(fold, vague, batch_size=7).metrics == pytest.approx(measured(fold, vague).metrics, abs=1e-9)


def test_modes_and_generators_are_left_as_they_were(fold, vague):
    vague.train()
    vague.part.eval()
    state = torch.get_rng_state()
    measured(fold, vague)
    assert torch.equal(torch.get_rng_state(), state)
    assert (vague.training, vague.part.training) == (True, False)
    assert vague.modes == {False}


def test_test_rows_and_labels_do_not_reach_the_classifiers(records, fold, vague):
    draws = np.random.default_rng(0)
    features, labels = records.features.copy(), records.labels.copy()
    tested = np.concatenate([records.test_seen, records.test_unseen])
    labels[records.test_unseen] = draws.permutation(labels[records.test_unseen])
    shuffled = measured(cut(dataclasses.replace(records, labels=labels)), vague, oracle=True)
    assert torch.equal(shuffled.details.unseen_predictions, measured(fold, vague).details.unseen_predictions)
    features[tested] += 100
    moved = cut(dataclasses.replace(records, features=features))
    conf = evaluator()
    for one, other in zip(conf._train(vague, fold, False), conf._train(vague, moved, False), strict=True):
        assert torch.equal(one[-1].weight, other[-1].weight)


def test_oracle_metrics_are_the_best_of_the_epochs_and_change_nothing(fold, vague):
    plain, watched = evaluator(), evaluator(oracle=True)
    honest, looked = plain.measure(vague, fold, {}), watched.measure(vague, fold, {})
    assert looked.metrics == honest.metrics
    assert plain.oracle(honest).keys() == {"oracle/H_cal"}
    found = watched.oracle(looked)
    assert found["oracle/epoch_T1"] >= honest.metrics["test/T1"]
    assert found["oracle/epoch_H"] >= honest.metrics["test/H"]
    lengths = [dataclasses.replace(QUICK, epochs=n) for n in range(1, QUICK.epochs + 1)]
    every = [measured(fold, vague, classifier=conf).metrics for conf in lengths]
    assert found["oracle/epoch_T1"] == max(metrics["test/T1"] for metrics in every)
    assert found["oracle/epoch_H"] == max(metrics["test/H"] for metrics in every)
    assert found["oracle/epoch_T1"] > every[-1]["test/T1"] or found["oracle/epoch_H"] > every[-1]["test/H"]


def test_validation_has_no_oracle(records):
    fold = cut(records, "tune")
    watched = evaluator(oracle=True)
    found = watched.measure(honest_generator(fold), fold, {})
    assert {tag.partition("/")[0] for tag in found.metrics} == {"val"}
    assert watched.oracle(found).keys() == {"oracle/H_cal"}


def test_calibration_is_chosen_on_validation_and_taken_over(records, fold, vague):
    tune = cut(records, "tune")
    chosen = measured(tune, honest_generator(tune, spread=3.0), calibration="val")
    assert chosen.choices.keys() == {"calibration_offset"}
    test = measured(fold, vague, chosen.choices, calibration="val")
    assert {"test/U_cal", "test/S_cal", "test/H_cal"} <= test.metrics.keys()
    assert test.choices == {}
    alone = measured(fold, vague, calibration="val")
    assert alone.choices == {}
    assert alone.metrics.keys() == {"test/T1", "test/U", "test/S", "test/H", "test/AUSUC"}


def test_one_unseen_class_has_t1_100_by_definition():
    fold = cut(make_records(unseen=1))
    found = measured(fold, honest_generator(fold, spread=5.0)).metrics
    assert found["test/T1"] == 100
    assert 0 <= found["test/U"] <= 100


def test_an_unseen_class_without_test_rows_stays_a_candidate_and_leaves_the_means(records, fold):
    model = honest_generator(fold)
    kept = records.test_unseen[records.labels[records.test_unseen] != 7]
    fewer = cut(dataclasses.replace(records, test_unseen=kept))
    found = measured(fewer, model)
    assert 7 in fewer.evaluation.unseen_classes
    assert found.metrics["test/U"] == mean_class_accuracy(
        fewer.evaluation.unseen_labels, found.details.unseen_predictions
    )
    assert found.metrics["test/U"] > 97


def test_a_diverged_generator_is_one_clear_error(fold):
    model = honest_generator(fold)
    model.means[6:] = float("nan")
    with pytest.raises(NonFiniteError, match="120 of 120 generated"):
        measured(fold, model)


def test_a_model_that_generates_nothing_is_refused(fold):
    shape = ZeroShotShape(fold.train.features.width, fold.train.class_vectors.shape[1], 9)
    with pytest.raises(TypeError, match="ESZSL generates no features"):
        measured(fold, ESZSL(ESZSLConf(), shape, Streams(0)))


def test_figures_and_points_are_there_for_any_generator(fold):
    model = honest_generator(fold)
    found = measured(fold, model)
    names = [name for name, _ in evaluator().figures(model, fold.evaluation, found, {})]
    assert names == ["confusion", "unseen_against_seen", "generated_features"]
    assert [points.name for points in evaluator().points(model, fold.evaluation)] == ["unseen_features"]
    rows, labels = generated_rows(model, fold.evaluation)
    assert torch.equal(labels, fold.evaluation.unseen_labels)
    torch.testing.assert_close(rows[labels == 7].mean(0), model.means[7], rtol=0, atol=0.3)


def test_a_classifier_that_diverges_is_no_classifier(fold):
    """Its NaN scores would pass argmax and give chance-level metrics."""
    wild = dataclasses.replace(QUICK, lr=1e38)
    with pytest.raises(NonFiniteError, match=r"weights of a softmax classifier trained with lr=1e\+38.*learning rate"):
        measured(fold, classifier=wild)
