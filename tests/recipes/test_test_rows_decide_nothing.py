"""Whole runs on exchanged test rows: weights, validation metrics and choices keep every bit; test metrics change."""

from dataclasses import fields, replace
from functools import partial

import numpy as np
import pytest
import torch

from tests.golden.runs import QUIET, RUNS
from tests.small_runs import finished
from zsl_runner.data.load import load
from zsl_runner.data.zero_shot.records import ZeroShotRecords
from zsl_runner.runs import run
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.runs.result import FILE_NAME, Result

CHOOSING = ["evaluator.select=val", "evaluator.patience=2"]
INPUTS = ("features", "images")
TRANSDUCTIVE = [
    [*RUNS["transductive"], *CHOOSING],
    *([*RUNS["feature_gan_transductive"], f"trainer.class_prior={prior}"] for prior in ("cpe", "classifier", "bbse")),
]
INDUCTIVE = [
    [*RUNS["em"], *CHOOSING, "evaluator.calibration=val"],
    ["model=eszsl", "dataset=toy", "dataset.feature_scaling=minmax", "evaluator.calibration=val"],
    [*RUNS["feature_gan"], *CHOOSING],
    [*RUNS["hybrid"], *CHOOSING],
    [*RUNS["segmentation"], *CHOOSING],
    [*RUNS["aae_adam"], "evaluator.select=val", "evaluator.select_metric=val/error"],
    RUNS["capacity"],
    RUNS["a_ewc"],
    RUNS["a_mas"],
    [*RUNS["prototype_contrast"], *CHOOSING],
]


def exchanged(conf, only_labels):
    """Return the records with other test rows, or with the test rows' labels shuffled alone."""
    records = load(conf)
    splits = ("test_seen", "test_unseen") if isinstance(records, ZeroShotRecords) else ("test",)
    parts = [getattr(records, name) for name in splits]
    count = len(next(getattr(records, name) for name in INPUTS if hasattr(records, name)))
    changes = {}
    for field in fields(records):
        values = getattr(records, field.name)
        if not isinstance(values, np.ndarray) or len(values) != count or field.name in ("train", "trainval"):
            continue
        if field.name in INPUTS and only_labels:
            continue
        changes[field.name] = values = values.copy()
        for number, rows in enumerate(parts):
            order = np.random.default_rng(number + (field.name in INPUTS)).permutation(len(rows))
            values[rows] = values[rows[order]]
            if field.name in INPUTS:
                values[rows] = values.max() - values[rows]
    return replace(records, **changes)


def bits(directory):
    """Return the newest weights, and what was chosen and measured on validation rows; and the test metrics."""
    saved, record = Checkpoints(directory / "checkpoints").newest(), Result.load(directory / FILE_NAME)
    return saved.state["parts"]["model"], (record.validation, record.selection), record.metrics


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "only_labels"),
    [*((arguments, False) for arguments in INDUCTIVE), *((arguments, True) for arguments in TRANSDUCTIVE)],
)
def test_exchanged_test_rows_leave_everything_but_test_metrics_as_it_is(arguments, only_labels, tmp_path, monkeypatch):
    weights, validated, tested = bits(finished(tmp_path / "one", *QUIET, *arguments))
    monkeypatch.setattr(run, "load", partial(exchanged, only_labels=only_labels))
    others, same, different = bits(finished(tmp_path / "other", *QUIET, *arguments))
    assert others.keys() == weights.keys()
    assert [name for name, values in weights.items() if not torch.equal(values, others[name])] == []
    assert same == validated
    assert validated[0]
    assert different.keys() == tested.keys()
    assert different != tested
