"""The protocol for tasks of images, with a model whose predictions are known."""

import math

import pytest
import torch

from tests.evaluation.continual.known import blind, fold_of, model_of, rows_of
from tests.weights import same, weights_of
from zsl_runner.data.sources.digits.conf import SplitDigitsConf
from zsl_runner.data.sources.toy.conf import ToyTasksConf
from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.errors import NonFiniteError
from zsl_runner.evaluation.base import measured
from zsl_runner.evaluation.continual.conf import ContinualEvaluatorConf
from zsl_runner.evaluation.continual.evaluator import ContinualEvaluator
from zsl_runner.models.task_heads.conf import CosineHeadsConf, TaskHeadsConf

ORDER = TaskOrder((2, 2))
ROWS = rows_of(4, (0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 1), (3, 3), (3, 2))


def measure(model, order=ORDER, rows=ROWS, **options):
    evaluator = ContinualEvaluator(ContinualEvaluatorConf(**options), seed=0)
    return measured(evaluator, "fit", model, fold_of(order, rows))


@pytest.fixture
def trained():
    """A model of two tasks that is blind to class 0 after the second; its auxiliary network to class 2."""
    model = model_of(ORDER)
    model.keep_auxiliaries()
    model.finish_task(0)
    blind(model.auxiliary, 2)
    model.finish_auxiliary(1)
    blind(model.main, 0)
    model.finish_task(1)
    return model


def test_matrices_and_metrics(trained):
    found = measure(trained)
    assert found.tables["acc_taw"].values == ((50.0, None), (50.0, 75.0))
    assert found.tables["acc_tag"].values == ((50.0, None), (25.0, 50.0))
    assert found.tables["acc_tag"].rows == ("after task 1", "after task 2")
    assert found.tables["acc_tag"].columns == ("task 1", "task 2")
    assert found.tables["forgetting"].values == ((0.0,), (25.0,))
    assert found.tables["distances"].values == ((10.0, pytest.approx(math.sqrt(200))),)
    assert found.metrics == {
        "test/avg_acc_taw": 62.5,
        "test/avg_inc_acc_taw": 56.25,
        "test/forg_taw": 0.0,
        "test/bwt_taw": 0.0,
        "test/plasticity_taw": 75.0,
        "test/stability_taw": 50.0,
        "test/intransigence_taw": -25.0,
        "test/avg_acc_tag": 37.5,
        "test/avg_inc_acc_tag": 43.75,
        "test/forg_tag": 25.0,
        "test/bwt_tag": -25.0,
        "test/plasticity_tag": 50.0,
        "test/stability_tag": 25.0,
        "test/intransigence_tag": 0.0,
        "test/distance_old": 10.0,
        "test/distance_auxiliary": pytest.approx(math.sqrt(200)),
    }


@pytest.mark.parametrize("batch_size", [1, 3, 8])
def test_blocks_change_nothing(trained, batch_size):
    assert measure(trained, batch_size=batch_size).metrics == measure(trained).metrics


def test_the_model_is_left_as_it_was(trained):
    trained.train()
    before = weights_of(trained)
    measure(trained)
    assert trained.training
    assert same(before, trained.state_dict())


def test_all_is_from_the_copies_once_training_is_done(trained):
    found = measure(trained)
    blind(trained.main, 0, 1, 2)
    assert measure(trained).metrics == found.metrics


def test_the_network_in_training_is_the_last_step():
    model = model_of(ORDER)
    assert measure(model).tables["acc_taw"].values == ((50.0, None),)
    blind(model.main, 1)
    assert measure(model).metrics == {
        "test/avg_acc_taw": 50.0,
        "test/avg_inc_acc_taw": 50.0,
        "test/avg_acc_tag": 50.0,
        "test/avg_inc_acc_tag": 50.0,
    }
    model.finish_task(0)
    assert len(measure(model).tables["acc_taw"].values) == 1, "no step of the second task was taken"
    blind(model.main, 0)
    found = measure(model)
    assert found.tables["acc_tag"].values == ((50.0, None), (25.0, 50.0))
    assert found.metrics["test/forg_tag"] == 25.0
    assert "distances" not in found.tables, "the second task is not done"


def test_one_task_has_no_forgetting():
    order = TaskOrder((4,))
    model = model_of(order)
    model.finish_task(0)
    found = measure(model, order)
    assert set(found.metrics) == {
        f"test/{name}_{kind}" for name in ("avg_acc", "avg_inc_acc") for kind in ("taw", "tag")
    }
    assert found.metrics["test/avg_acc_taw"] == found.metrics["test/avg_acc_tag"] == 100 * 4 / 8
    assert set(found.tables) == {"acc_taw", "acc_tag"}


def test_without_auxiliary_networks_there_is_no_intransigence(trained):
    trained.auxiliaries = trained.auxiliaries[:0]
    found = measure(trained)
    assert found.metrics["test/distance_old"] == 10.0
    assert not [tag for tag in found.metrics if "intransigence" in tag or "auxiliary" in tag]


def test_class_means_classify_if_the_model_has_them(trained):
    trained.keep_prototypes(4)
    rows, labels = ROWS.rows.take(torch.arange(8)), ROWS.labels
    unit = torch.nn.functional.normalize(rows)
    means = unit[[0, 2, 4, 6]]
    trained.prototypes[0, :2] = means[[1, 0]]
    trained.prototypes[1] = means
    found = measure(trained)
    swapped = torch.cdist(unit[:4], means[[1, 0]]).argmin(1)
    nearest = torch.cdist(unit, means).argmin(1)
    expected = [(swapped == labels[:4], 0, 0), (nearest[:4] == labels[:4], 1, 0), (nearest[4:] == labels[4:], 1, 1)]
    for right, step, task in expected:
        assert found.tables["acc_tag"].values[step][task] == 100 * float(right.double().mean())


def test_class_means_of_the_last_task_do_not_judge_the_next_one():
    model = model_of(ORDER)
    plain = model_of(ORDER)
    model.keep_prototypes(4)
    for each in (model, plain):
        each.finish_task(0)
        blind(each.main, 0)
    assert measure(model).tables["acc_tag"].values[1] == measure(plain).tables["acc_tag"].values[1]


def test_a_network_that_diverged_is_refused(trained):
    trained.snapshots[1, 0] = math.nan
    with pytest.raises(NonFiniteError, match="stage fit, TaskModel on the test rows: "):
        measure(trained)


@pytest.mark.parametrize(
    ("options", "key", "words"),
    [
        ({"select": "val"}, "select", "before the last task"),
        ({"patience": 3}, "patience", "before the last task"),
        ({"stages": ["tune", "final"]}, "stages", "must be"),
    ],
)
def test_selection_over_all_tasks_is_refused(options, key, words):
    (problem,) = ContinualEvaluatorConf(**options).problems()
    assert problem.key == key
    assert words in problem.message


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (TaskHeadsConf(), "with a model that has them, e.g. model=cosine_heads"),
        (CosineHeadsConf(), "has unseen classes;"),
    ],
)
def test_tasks_with_unseen_classes_have_a_protocol_of_their_own(model, words):
    (problem,) = ContinualEvaluatorConf().fits(model, ToyTasksConf())
    assert problem.key == "kind"
    assert words in problem.message
    assert "evaluator=continual_zero_shot" in problem.message
    assert list(ContinualEvaluatorConf().fits(model, SplitDigitsConf())) == []
