"""Whole runs on exchanged test rows: weights, validation metrics and choices keep every bit; test metrics change."""

import pytest

from tests.golden.runs import RUNS
from tests.recipes.contract import exchanged_rows_decide_nothing

CHOOSING = ["evaluator.select=val", "evaluator.patience=2"]
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
    *([*RUNS[name], *CHOOSING, "dataset.shots=3", "evaluator.calibration=val"] for name in ("em", "feature_gan")),
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("arguments", "only_labels"),
    [*((arguments, False) for arguments in INDUCTIVE), *((arguments, True) for arguments in TRANSDUCTIVE)],
)
def test_exchanged_test_rows_leave_everything_but_test_metrics_as_it_is(arguments, only_labels, tmp_path, monkeypatch):
    exchanged_rows_decide_nothing(arguments, only_labels, tmp_path, monkeypatch)
