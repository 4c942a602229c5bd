import subprocess
import sys

import pytest

from zsl_runner.config.quantities import Quantity, is_standard_error, quantity_of

NATS = {"unit": "nats", "lower_is_better": True, "digits": 2}


@pytest.mark.parametrize(
    "tag", ["test/NCLL", "val/NCLL", "oracle/NCLL", "oracle/best_NCLL", "test/NCLL_se", "oracle/best_NCLL_se"]
)
def test_a_metric_has_the_quantity_of_what_it_is_made_from(tag):
    assert quantity_of(tag, {"NCLL": NATS}) == Quantity("nats", lower_is_better=True, digits=2)


def test_an_own_record_comes_first():
    recorded = {"NCLL": NATS, "NCLL_se": NATS | {"digits": 3}}
    assert quantity_of("test/NCLL_se", recorded).digits == 3
    assert quantity_of("test/NCLL_IS", recorded) == Quantity("per cent", lower_is_better=False, digits=1)


@pytest.mark.parametrize("tag", ["val/prior_error", "oracle/prior_error", "oracle/best_prior_error"])
def test_the_error_of_a_class_prior_is_one_also_in_old_records(tag):
    assert quantity_of(tag, {}).lower_is_better


def test_missing_fields_take_their_defaults():
    assert quantity_of("test/IoU", {"IoU": {"digits": 2}}) == Quantity("per cent", lower_is_better=False, digits=2)


def test_standard_errors_are_told_by_their_name():
    assert [tag for tag in ("test/NCLL", "test/NCLL_se", "val/H_se", "test/sense") if is_standard_error(tag)] == [
        "test/NCLL_se",
        "val/H_se",
    ]


def test_the_report_loads_nothing_heavy():
    heavy = "{'torch', 'numpy', 'matplotlib', 'sklearn', 'hydra'}"
    program = f"import sys, zsl_runner.report.cli, zsl_runner.runs.summary; assert not {heavy} & sys.modules.keys()"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
