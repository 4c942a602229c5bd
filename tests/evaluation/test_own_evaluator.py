"""What an evaluator of a package of one's own may leave out: types, details, and all but one method."""

from types import SimpleNamespace

import pytest

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
