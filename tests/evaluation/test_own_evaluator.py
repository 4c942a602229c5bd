"""What an evaluator of a package of one's own may leave out: types, details, and all but one method."""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from zsl_runner.config.schema import EvaluatorConf
from zsl_runner.errors import RunError
from zsl_runner.evaluation.base import Evaluator, Measurement, measured


class Untyped(Evaluator):
    def measure(self, model, fold, choices):
        return Measurement({f"{fold.evaluation.name}/rows": float(fold.evaluation.rows)})


def test_without_types_and_details_it_measures():
    evaluator = Untyped(EvaluatorConf(kind="untyped", name="untyped"), seed=0)
    fold = SimpleNamespace(evaluation=SimpleNamespace(name="val", rows=3))
    found = measured(evaluator, "fit", None, fold)
    assert found.metrics == {"val/rows": 3.0}
    assert found.details is None
    assert (
        list(evaluator.figures(None, fold.evaluation, found, {})) == list(evaluator.points(None, fold.evaluation)) == []
    )
    with pytest.raises(RunError, match="untyped measures a model without assigning rows to classes"):
        evaluator.predictions(fold.evaluation, found)


class Returning(Evaluator):
    def __init__(self, returned):
        super().__init__(EvaluatorConf(kind="returning", name="returning"), seed=0)
        self.returned = returned

    def measure(self, model, fold, choices):
        return self.returned


def test_what_is_no_measurement_is_refused_by_its_type():
    fold = SimpleNamespace(evaluation=SimpleNamespace(name="val"))
    with pytest.raises(RunError, match=r"Returning\.measure returned a dict, expected a Measurement"):
        measured(Returning({"val/H": 1.0}), "tune", None, fold)


def test_metrics_of_numpy_and_torch_become_numbers_that_a_record_keeps():
    found = Measurement({"val/H": torch.tensor(0.5), "val/rows": 3}, choices={"offset": np.float64(0.25)})
    assert json.loads(json.dumps(found.metrics)) == {"val/H": 0.5, "val/rows": 3}
    assert {type(value) for value in (*found.metrics.values(), *found.choices.values())} == {int, float}
    with pytest.raises(RunError, match="val/H: expected a number, found a Tensor"):
        Measurement({"val/H": torch.ones(2)})
    with pytest.raises(RunError, match="val/H: expected a number, found a NoneType"):
        Measurement({"val/H": None})
