"""Metrics in a report have the unit and the decimals that their runs recorded."""

import json
import re

import pytest

from tests.outputs import LIKELIHOOD, NATS, PAIRS
from zsl_runner.errors import RunError
from zsl_runner.report.formats import markdown
from zsl_runner.report.plots.material import families
from zsl_runner.report.plots.parameter import parameter


def test_one_unit_is_said_once(outputs):
    outputs.add_likelihood(60.0)
    closing = markdown(outputs.report(metrics=["NCLL"])).splitlines()[-1]
    assert closing.startswith("Nats (lower is better), mean ± standard deviation")


def test_units_are_those_of_the_blocks_that_have_the_metric(outputs):
    outputs.add(40.0)
    outputs.add_likelihood(60.0)
    text = markdown(outputs.report(metrics=["NCLL", "H"]))
    assert "H in per cent; NCLL in nats (lower is better), mean" in text


def test_runs_that_disagree_on_a_unit_are_refused(outputs):
    first = outputs.add_likelihood(60.0)
    second = outputs.add_likelihood(80.0, 1, quantities={name: NATS | {"unit": "bits"} for name in LIKELIHOOD})
    message = f"test/NCLL: recorded in nats by {first} and in bits by {second}; they cannot share a table"
    with pytest.raises(RunError, match=re.escape(message)):
        outputs.report()


def test_quantities_of_another_version_are_read(outputs):
    outputs.add_likelihood(60.0, quantities={"NCLL": NATS | {"colour": "blue"}, "accuracy": "per cent"})
    text = markdown(outputs.report(metrics=["NCLL", "accuracy"]))
    assert "| 60.00 | 84.0 | 1 |" in text


def test_differences_have_the_decimals_of_their_quantity(outputs):
    for seed, (ours, theirs) in enumerate([(60.0, 61.125), (62.0, 63.375)]):
        outputs.add_likelihood(ours, seed, model="cvae")
        outputs.add_likelihood(theirs, seed, model="baseline_nn")
    text = markdown(outputs.report(metrics=["NCLL"], baseline="baseline_nn"))
    assert "| **61.00 ± 1.41** | -1.25 ± 0.18 | n < 5 | 2 |" in text


def test_published_likelihoods_are_compared_with_their_decimals(outputs):
    directory = outputs.add_likelihood(64.0)
    of = {"dataset": "mnist_quadrant", "split": "own", "setting": "supervised"}
    reference = {"source": "Paper", "feature_kind": PAIRS["feature_kind"], "of": of, "metrics": {"test/NCLL_IS": 63.91}}
    (directory / "config.yaml").write_text(json.dumps({"reference": reference}))
    assert "NCLL_IS +0.09 from 63.91 (Paper)" in markdown(outputs.report())


def test_metrics_in_different_units_share_no_figure(outputs):
    for dim, unit in ((8, "nats"), (16, "nats"), (32, "nats per pixel")):
        outputs.add(40.0, config={"dim": dim}, quantities={"H": {"unit": unit, "lower_is_better": True}})
    material = outputs.material()
    with pytest.raises(RunError, match=r"test/H: recorded in nats by .* and in nats per pixel by .* cannot share"):
        parameter(material, families(material), "model.dim")
