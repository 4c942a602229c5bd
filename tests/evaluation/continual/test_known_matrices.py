"""Metrics of matrices, against values computed by hand."""

import numpy as np
import pytest

from zsl_runner.evaluation.continual.metrics import (
    average_accuracy,
    average_incremental_accuracy,
    backward_transfer,
    forgetting,
    forgetting_of_tasks,
    intransigence,
    plasticity,
    stability,
    summary,
)

NAN = np.nan
THREE = np.array([[90.0, NAN, NAN], [94.0, 80.0, NAN], [60.0, 50.0, 70.0]])


def test_averages():
    assert average_accuracy(THREE) == 60.0
    assert average_incremental_accuracy(THREE) == pytest.approx((90 + 87 + 60) / 3)


def test_forgetting_counts_from_the_peak_and_backward_transfer_from_the_first():
    assert forgetting_of_tasks(THREE).tolist() == [34.0, 30.0]
    assert forgetting(THREE) == 32.0
    assert backward_transfer(THREE) == (-30 - 30) / 2


def test_forgetting_may_be_negative():
    assert forgetting_of_tasks(np.array([[50.0, NAN], [60.0, 70.0]])).tolist() == [-10.0]


def test_plasticity_leaves_out_the_first_task_and_stability_the_last():
    assert plasticity(THREE) == 75.0
    assert stability(THREE) == 55.0


def test_intransigence_is_what_a_free_network_learns_more():
    assert intransigence(THREE, np.array([NAN, 85.0, 90.0])) == (5 + 20) / 2


def test_the_summary_names_them_all():
    assert summary(THREE) == {
        "avg_acc": 60.0,
        "avg_inc_acc": pytest.approx(79.0),
        "forg": 32.0,
        "bwt": -30.0,
        "plasticity": 75.0,
        "stability": 55.0,
    }


def test_one_task_has_nothing_to_compare():
    assert summary(np.array([[88.0]])) == {"avg_acc": 88.0, "avg_inc_acc": 88.0}
