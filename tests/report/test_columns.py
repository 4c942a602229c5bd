"""Which metrics are columns of a report, how its rows are sorted, and which mean of a column is marked as the best."""

import csv
import io

import pytest

from tests.outputs import LIKELIHOOD, PAIRS, REAL, rows_of
from zsl_runner.errors import RunError
from zsl_runner.report.formats import as_csv, latex, markdown


def test_each_block_has_columns_of_its_own(outputs):
    outputs.add(40.0)
    bare = outputs.add(None, 1)
    outputs.add_likelihood(60.0)
    outputs.add(None, model="fcn", dataset="canvas", data=PAIRS, metrics={"test/IoU": 80.0, "oracle/IoU": 81.0})
    report = outputs.report()
    columns = {block.traits["dataset"]: list(block.quantities) for block in report.blocks}
    assert columns == {
        "canvas": ["test/IoU", "oracle/IoU"],
        "cub": ["test/U", "test/H"],
        "mnist_quadrant": ["test/NCLL", "test/NCLL_ELBO", "test/NCLL_MC", "test/NCLL_IS", "test/accuracy"],
    }
    assert report.notes == [f"complete but without U, H: {bare}"]
    chosen = outputs.report(metrics=["NCLL"])
    assert [block.traits["dataset"] for block in chosen.blocks] == ["mnist_quadrant"]
    assert len(chosen.notes) == 1
    assert chosen.notes[0].startswith("complete but without NCLL: ")


def test_oracle_metrics_stand_in_columns_of_their_own(outputs):
    outputs.add(40.0)
    assert "oracle" not in markdown(outputs.report())
    outputs.add(41.0, 1, metrics={"test/H": 41.0, "test/U": 20.0, "oracle/H_cal": 60.0})
    header = markdown(outputs.report()).splitlines()[2]
    assert header == "| model | trainer | selection | U | H | oracle H_cal | n | time |"
    assert "60.0 (1)" in markdown(outputs.report())


def test_standard_errors_are_columns_on_request_and_never_the_best(outputs):
    outputs.add_likelihood(60.0, model="a")
    outputs.add_likelihood(70.0, model="b")
    assert "_se" not in markdown(outputs.report())
    report = outputs.report(metrics=["NCLL_IS", "NCLL_IS_se", "accuracy_se"])
    text = markdown(report)
    assert "| model | trainer | selection | NCLL_IS | NCLL_IS_se | accuracy_se | n | time |" in text
    assert "| a | em | last | **60.00** | 0.12 | 0.2 | 1 |" in text
    assert "NCLL_IS, NCLL_IS_se in nats (lower is better); accuracy_se in per cent, mean" in text
    assert [row.best for row in rows_of(report)] == [{"test/NCLL_IS"}, set()]


def test_sorting_and_choosing_metrics(outputs):
    outputs.add(40.0, model="a", validation={"val/H": 30.0})
    outputs.add(50.0, model="b", validation={"val/H": 20.0})
    assert [row.group.traits["model"] for row in rows_of(outputs.report())] == ["a", "b"]
    assert [row.group.traits["model"] for row in rows_of(outputs.report(sort="H"))] == ["b", "a"]
    report = outputs.report(metrics=["val/H"], sort="val/H")
    assert [row.group.traits["model"] for row in rows_of(report)] == ["a", "b"]
    assert "| val H |" in markdown(report)
    with pytest.raises(RunError, match=r"metric h: no complete run has test/h; there are test/H, test/U, val/H"):
        outputs.report(metrics=["h"])
    with pytest.raises(RunError, match="metric T1"):
        outputs.report(sort="T1")


def test_rows_are_sorted_best_first_in_either_direction(outputs):
    for model, ncll in (("a", 80.0), ("b", 60.0), ("c", 70.0)):
        outputs.add_likelihood(ncll, model=model, validation={"val/NCLL": 100 - ncll})
    outputs.add(50.0, model="z")
    outputs.add(60.0, model="y")

    def order(**options):
        return [row.group.traits["model"] for row in rows_of(outputs.report(**options))]

    assert order() == ["y", "z", "a", "b", "c"]
    assert order(sort="NCLL") == ["y", "z", "b", "c", "a"]
    assert order(sort="val/NCLL") == ["y", "z", "a", "c", "b"]
    assert order(sort="accuracy") == ["y", "z", "b", "c", "a"]
    assert order(sort="H") == ["y", "z", "a", "b", "c"]


def test_the_best_mean_of_each_block_is_marked(outputs):
    outputs.add(40.0, model="sgal")
    outputs.add(50.0, model="vzsl")
    outputs.add(45.0, model="eszsl", metrics={"test/H": 45.0, "test/U": 44.0})
    outputs.add(99.0, model="other", data=REAL | {"semantics": "sent"})
    best = {row.group.traits["model"]: row.best for row in rows_of(outputs.report())}
    assert best == {"sgal": set(), "vzsl": {"test/H"}, "eszsl": {"test/U"}, "other": set()}
    text = markdown(outputs.report())
    assert "**50.0**" in text
    assert "**99.0**" not in text


def test_the_lower_mean_is_best_where_lower_is_better(outputs):
    outputs.add_likelihood(63.912, model="cvae")
    outputs.add_likelihood(99.75, model="baseline_nn")
    best = {row.group.traits["model"]: row.best for row in rows_of(outputs.report())}
    assert best["baseline_nn"] == set()
    assert best["cvae"] == {f"test/{name}" for name in (*LIKELIHOOD, "accuracy")}
    text = markdown(outputs.report())
    assert "| baseline_nn | em | last | 99.75 | 103.75 | 101.75 | 99.75 | 80.0 | 1 |" in text
    assert "| cvae | em | last | **63.91** | **67.91** | **65.91** | **63.91** | **83.6** | 1 |" in text
    assert r"\textbf{63.91}" in latex(outputs.report())


def test_what_only_describes_is_in_bold_nowhere(outputs):
    factor = {"unit": "units of the weight given", "lower_is_better": False, "digits": 4, "ranked": False}
    for number, model in enumerate(("mas", "ewc")):
        metrics = {"test/weight_factor": 0.5 + number, "test/H": 50.0 + number}
        outputs.add(None, 0, model, metrics=metrics, quantities={"weight_factor": factor})
    best = {row.group.traits["model"]: row.best for row in rows_of(outputs.report(metrics=["weight_factor", "H"]))}
    assert best == {"mas": set(), "ewc": {"test/H"}}


def test_which_value_is_better_is_told_by_the_runs_that_have_the_metric(outputs):
    """A row may pool runs of an evaluator that measures something else, and begin with one of them."""
    common = {"model": "cvae", "dataset": "mnist_quadrant", "data": PAIRS, "setting": {"kind": "supervised"}}
    for trainer, ncll in (("first", 60.0), ("second", 70.0)):
        outputs.add(None, 0, metrics={"test/accuracy": 1.0}, trainer=trainer, config_hash="other", **common)
        outputs.add_likelihood(ncll, 1, trainer=trainer)
    report = outputs.report(by=["trainer"], metrics=["NCLL", "accuracy"])
    assert [("test/NCLL" in row.best, row.cells["test/NCLL"].mean) for row in rows_of(report)] == [
        (True, 60.0),
        (False, 70.0),
    ]


def test_the_calibration_offset_stands_beside_calibrated_metrics(outputs):
    for seed, offset in enumerate([0.5, 0.25, None]):
        chosen = {} if offset is None else {"calibration_offset": offset}
        selection = {"mode": "last, calibrated", "metric": "val/H"} | chosen
        outputs.add(seed=seed, metrics={"test/H": 40.0, "test/H_cal": 44.0}, selection=selection)
    report = outputs.report(by=["model"])
    assert "| H | H_cal | offset | n |" in markdown(report)
    assert "| 0.375 ± 0.177 (2) | 3 |" in markdown(report)
    assert "offset" not in markdown(outputs.report(by=["model"], metrics=["H"]))
    line = next(csv.DictReader(io.StringIO(as_csv(report))))
    found = [line[f"offset of seen classes {what}"] for what in ("mean", "std", "n")]
    assert found == ["0.375", repr(0.125 * 2**0.5), "2"]


@pytest.mark.parametrize(
    ("offset", "shown"), [(1234.5, "1234"), (0.00123456, "0.00123"), (-12.34, "-12.3"), (0.0, "0.00")]
)
def test_an_offset_is_in_units_of_scores_and_shown_in_three_digits(outputs, offset, shown):
    outputs.add(metrics={"test/H": 40.0, "test/H_cal": 44.0}, selection={"calibration_offset": offset})
    assert f"| {shown} | 1 |" in markdown(outputs.report())


def test_a_metric_may_have_the_name_of_another_column(outputs):
    outputs.add(metrics={"test/n": 7.5, "test/time": 3.5})
    text = markdown(outputs.report())
    assert "| model | trainer | selection | n | time | n | time |" in text
    assert "| 7.5 | 3.5 | 1 | 1:00 |" in text
