"""The protocol for tasks of zero-shot data, with a model whose predictions are known."""

import pytest
import torch

from tests.evaluation.continual.known import blind, fold_of, model_of, rows_of
from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.evaluation.base import measured
from zsl_runner.evaluation.continual.conf import ContinualZeroShotEvaluatorConf
from zsl_runner.evaluation.continual.zero_shot import ContinualZeroShotEvaluator

SEEN = TaskOrder((2, 1))
UNSEEN = TaskOrder((1, 1))
"""Classes 3 and 4."""
SEEN_ROWS = rows_of(5, (0, 0), (0, 0), (0, 1), (0, 3), (1, 1), (2, 2), (2, 4))
UNSEEN_ROWS = rows_of(5, (3, 3), (3, 0), (4, 4), (4, 4), (4, 3), (4, 2))


def measure(model, order=SEEN, rows=SEEN_ROWS, setting="dynamic", unseen=(UNSEEN_ROWS, UNSEEN)):
    evaluator = ContinualZeroShotEvaluator(ContinualZeroShotEvaluatorConf(), seed=0)
    return measured(evaluator, "final", model, fold_of(order, rows, setting=setting, unseen=unseen))


def trained(order, classes, *blind_at_the_end):
    model = model_of(order, classes)
    model.finish_task(0)
    blind(model.main, *blind_at_the_end)
    model.finish_task(1)
    return model


def test_dynamic():
    # After task 1 the candidates are 0, 1 and 3. Class 0: two of four right; class 1 right; S = 75. Class 3: U = 50.
    # After task 2, blind to class 1, all five: class 0: 2/4; class 1: never; class 2: 1/2; S = 100/3. Class 3: 1/2;
    # class 4: 2/4; U = 50. The matrix is of decisions among the seen classes alone: class 0: three of four both times.
    # With growing offsets (S, U) goes through (7/8, 0), (3/4, 1/2), (1/4, 1/2), (0, 1) after task 1, and through
    # (5/12, 0), (1/3, 1/4), (1/3, 1/2), (1/6, 1/2), (0, 3/4) after task 2.
    found = measure(trained(SEEN, 5, 1))
    first, last = 2 * 75 * 50 / 125, 2 * (100 / 3) * 50 / (100 / 3 + 50)
    areas = 100 * (1 / 32 + 1 / 4 + 3 / 16), 100 * (1 / 96 + 1 / 12 + 5 / 48)
    assert found.tables["zero_shot"].rows == ("after task 1", "after task 2")
    assert found.tables["zero_shot"].columns == ("S", "U", "H", "AUSUC")
    assert found.tables["zero_shot"].values[0] == pytest.approx((75, 50, first, areas[0]))
    assert found.tables["zero_shot"].values[1] == pytest.approx((100 / 3, 50, last, areas[1]))
    assert found.tables["acc_tag"].values == ((87.5, None), (37.5, 50.0))
    assert found.metrics == pytest.approx(
        {
            "test/mS": (75 + 100 / 3) / 2,
            "test/S": 100 / 3,
            "test/mU": 50,
            "test/U": 50,
            "test/mH": (first + last) / 2,
            "test/H": last,
            "test/mAUSUC": sum(areas) / 2,
            "test/AUSUC": areas[1],
            "test/avg_acc_tag": 43.75,
            "test/avg_inc_acc_tag": (87.5 + 43.75) / 2,
            "test/forg_tag": 50,
            "test/bwt_tag": -50,
            "test/plasticity_tag": 50,
            "test/stability_tag": 37.5,
            "test/distance_old": 10,
        }
    )


def test_in_the_static_setting_no_class_is_unseen_after_the_last_task():
    # After task 1 the classes 0 and 1 are seen, 2 is unseen: class 0: 2/3, class 1: 1/1; class 2: 1/2.
    # With growing offsets (S, U) goes through (1, 0), (5/6, 1/2), (1/3, 1/2), (0, 1).
    rows = rows_of(3, (0, 0), (0, 0), (0, 2), (1, 1), (2, 2), (2, 0))
    found = measure(trained(SEEN, 3), rows=rows, setting="static", unseen=None)
    s = 100 * (2 / 3 + 1) / 2
    h = 2 * s * 50 / (s + 50)
    area = 100 * (1 / 24 + 1 / 4 + 1 / 4)
    assert found.tables["zero_shot"].values[0] == pytest.approx((s, 50, h, area))
    assert found.tables["zero_shot"].values[1] == (pytest.approx(100 * (2 / 3 + 1 + 1 / 2) / 3), None, None, None)
    assert not {"test/U", "test/H", "test/AUSUC"} & set(found.metrics)
    assert found.metrics["test/mAUSUC"] == pytest.approx(area)
    assert found.metrics["test/mH"] == pytest.approx(h)
    assert found.metrics["test/mU"] == 50
    assert found.metrics["test/mS"] == pytest.approx((s + found.metrics["test/S"]) / 2)


def test_a_step_without_unseen_rows_is_left_out():
    later = (rows_of(4, (3, 3), (3, 0)), TaskOrder((0, 1)))
    found = measure(trained(SEEN, 4), rows=rows_of(4, (0, 0), (1, 1), (2, 2)), unseen=later)
    assert found.tables["zero_shot"].values[0] == (100.0, None, None, None)
    assert found.metrics["test/mU"] == found.metrics["test/U"] == 50


def test_one_task():
    order = TaskOrder((3,))
    model = model_of(order, 3)
    model.finish_task(0)
    found = measure(model, order, rows_of(3, (0, 0), (1, 1), (2, 0)), "static", None)
    assert found.metrics == pytest.approx(
        dict.fromkeys(("test/mS", "test/S", "test/avg_acc_tag", "test/avg_inc_acc_tag"), 200 / 3)
    )


def test_rows_of_the_tasks_to_come_take_no_part():
    model = model_of(SEEN, 5)
    model.finish_task(0)
    found = measure(model)
    assert found.metrics["test/mS"] == found.metrics["test/S"] == 75
    assert found.metrics["test/U"] == 50


def test_the_model_is_left_as_it_was():
    model = trained(SEEN, 5, 1)
    model.train()
    before = model.main.shift.detach().clone()
    measure(model)
    assert model.training
    assert torch.equal(model.main.shift, before)


@pytest.mark.parametrize(
    ("options", "key"), [({"select": "val"}, "select"), ({"patience": 3}, "patience"), ({"stages": ["fit"]}, "stages")]
)
def test_selection_over_all_tasks_is_refused(options, key):
    (problem,) = ContinualZeroShotEvaluatorConf(**options).problems()
    assert problem.key == key
