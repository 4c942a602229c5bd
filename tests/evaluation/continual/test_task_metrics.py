"""Metrics of hand-made matrices, computed by hand."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from zsl_runner.evaluation.continual.metrics import (
    average_accuracy,
    average_incremental_accuracy,
    backward_transfer,
    forgetting,
    intransigence,
    plasticity,
    stability,
    summary,
)

NAN = np.nan
MATRIX = np.array(
    [
        [98.0, NAN, NAN, NAN],
        [99.0, 90.0, NAN, NAN],
        [60.0, 92.0, 80.0, NAN],
        [40.0, 93.0, 50.0, 70.0],
    ]
)


def test_each_metric_by_hand():
    assert average_accuracy(MATRIX) == (40 + 93 + 50 + 70) / 4
    means = [98, (99 + 90) / 2, (60 + 92 + 80) / 3, (40 + 93 + 50 + 70) / 4]
    assert average_incremental_accuracy(MATRIX) == pytest.approx(sum(means) / 4)
    # Of the first task the peak is after the second; the second is still growing, so that it counts -1.
    assert forgetting(MATRIX) == pytest.approx(((99 - 40) + (92 - 93) + (80 - 50)) / 3)
    assert backward_transfer(MATRIX) == pytest.approx(((40 - 98) + (93 - 90) + (50 - 80)) / 3)
    assert plasticity(MATRIX) == (90 + 80 + 70) / 3
    assert stability(MATRIX) == (40 + 93 + 50) / 3
    assert intransigence(MATRIX, np.array([NAN, 95.0, 79.0, 90.0])) == pytest.approx((5 - 1 + 20) / 3)


def test_what_lies_above_the_diagonal_is_not_looked_at():
    filled = np.where(np.isnan(MATRIX), 1e6, MATRIX)
    assert summary(filled) == summary(MATRIX)


def test_a_run_that_was_stopped_is_measured_over_its_tasks():
    assert summary(MATRIX[:2]) == summary(MATRIX[:2, :2])


def test_one_task_has_no_forgetting():
    assert summary(np.array([[70.0]])) == {"avg_acc": 70.0, "avg_inc_acc": 70.0}


def test_nothing_is_forgotten_where_accuracies_stay():
    lower = np.where(np.tri(5, dtype=bool), 75.0, NAN)
    assert summary(lower) == {
        "avg_acc": 75.0,
        "avg_inc_acc": 75.0,
        "forg": 0.0,
        "bwt": 0.0,
        "plasticity": 75.0,
        "stability": 75.0,
    }


@given(st.integers(2, 6).flatmap(lambda tasks: arrays(float, (tasks, tasks), elements=st.floats(0, 100))))
def test_relations_of_metrics(matrix):
    tasks = len(matrix)
    found = summary(matrix)
    assert found["forg"] >= -found["bwt"] - 1e-9  # the peak is at least what the task began with
    assert found["avg_acc"] == pytest.approx(((tasks - 1) * found["stability"] + matrix[-1, -1]) / tasks)
    first = np.diagonal(matrix)[:-1].mean()
    assert found["bwt"] == pytest.approx(found["stability"] - first, abs=1e-9)
    assert all(0 <= found[name] <= 100 + 1e-9 for name in ("avg_acc", "avg_inc_acc", "plasticity", "stability"))
    assert intransigence(matrix, np.diagonal(matrix)) == 0
