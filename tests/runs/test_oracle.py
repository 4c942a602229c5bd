"""The best of several looks at the test rows."""

import math

import pytest

from tests.small_runs import finished
from zsl_runner.config.quantities import Quantity
from zsl_runner.runs.oracle import with_better
from zsl_runner.runs.result import Result
from zsl_runner.tracking.table import read

QUANTITIES = {
    "NCLL": Quantity("nats", lower_is_better=True),
    "NCLL_se": Quantity("nats", lower_is_better=True),
    "KL": Quantity("nats", ranked=False),
}


def best_of(*looks):
    best = {}
    for look in looks:
        best = with_better(best, {f"oracle/{name}": value for name, value in look.items()}, quantity)
    return {tag.removeprefix("oracle/best_"): value for tag, value in best.items()}


def quantity(tag):
    return QUANTITIES.get(tag.removeprefix("oracle/"), Quantity())


def test_the_better_direction_is_that_of_the_metric():
    assert best_of({"H": 2.0, "NCLL": 5.0}, {"H": 3.0, "NCLL": 7.0}, {"H": 1.0, "NCLL": 6.0}) == {"H": 3.0, "NCLL": 5.0}


def test_what_only_describes_has_no_best():
    assert best_of({"KL": 2.0}, {"KL": 3.0}) == {}


def test_a_best_value_keeps_the_standard_error_of_its_own_look():
    looks = {"NCLL": 9.0, "NCLL_se": 0.1}, {"NCLL": 5.0, "NCLL_se": 0.7}, {"NCLL": 6.0, "NCLL_se": 0.2}
    assert best_of(*looks) == {"NCLL": 5.0, "NCLL_se": 0.7}


@pytest.mark.parametrize("undefined", [0, 1, 2])
def test_an_undefined_value_is_never_the_best_and_hides_none(undefined):
    values = [2.0, 3.0]
    values.insert(undefined, math.nan)
    assert best_of(*({"H": value} for value in values)) == {"H": 3.0}


def test_a_run_records_the_best_of_its_looks_with_their_errors(tmp_path):
    directory = finished(
        tmp_path,
        "model=cvae_pairs",
        "dataset=digits_quadrant",
        "model.hidden=[8]",
        "model.latent_dim=2",
        "trainer.epochs=3",
        "trainer.evaluate_every=1",
        "evaluator.samples=2",
        "evaluator.validation_samples=2",
        "evaluator.oracle=true",
        "tracker=minimal",
        "tracker.progress=none",
        "runtime.device=cpu",
    )
    looks = {}
    for row in read(directory / "metrics.csv"):
        looks.setdefault(row.step, {})[row.tag] = row.value
    looks = [look for look in looks.values() if "oracle/NCLL" in look]
    best, metrics = min(looks, key=lambda look: look["oracle/NCLL"]), Result.load(directory).metrics
    assert len(looks) == 3
    assert metrics["oracle/best_NCLL"] == best["oracle/NCLL"]
    assert metrics["oracle/best_NCLL_se"] == best["oracle/NCLL_se"]
