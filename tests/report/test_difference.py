"""Two runs side by side."""

import pytest

from tests.outputs import LIKELIHOOD, REAL
from zsl_runner.errors import RunError
from zsl_runner.report.cli import main
from zsl_runner.report.difference import compared, markdown


def part(comparison, title):
    return next((part.rows for part in comparison.parts if part.title.startswith(title)), ())


def test_settings_that_mean_the_same_do_not_differ(outputs):
    one = outputs.add(40.0, 0, config={"lr": "1e-3", "dim": 8, "depth": None})
    two = outputs.add(43.5, 1, config={"lr": 0.001, "dim": 16})
    comparison = compared(one, two)
    assert part(comparison, "Settings") == (
        ("seed", "0", "1"),
        ("model.dim", "8", "16"),
        ("model.depth", "null", "-"),
    )
    assert part(comparison, "Metrics") == (
        ("H", "40.00", "43.50", "+3.50"),
        ("U", "20.00", "21.75", "+1.75"),
        ("time", "1:00", "1:00", ""),
    )
    assert part(comparison, "Data") == ()
    assert "not comparable" not in markdown(comparison)


def test_equal_settings_are_said_to_be_equal(outputs):
    one, two = outputs.add(40.0), outputs.add(40.0)
    assert part(compared(one, two), "Settings") == (("none", "", ""),)


def test_other_data_are_named_and_metrics_not_passed_off_as_comparable(outputs):
    one = outputs.add(40.0, versions={"torch": "2.1"})
    two = outputs.add(45.0, data=REAL | {"split_version": "PS2"}, versions={"torch": "2.2"})
    comparison = compared(one, two)
    assert "not comparable: the runs differ in split" in comparison.intro
    assert part(comparison, "Data") == (("split", "PS1", "PS2"), ("torch", "2.1", "2.2"))


def test_a_metric_of_one_run_and_one_in_another_unit_have_no_difference(outputs):
    one = outputs.add(None, metrics={"test/H": 40.0, "test/NCLL": 10.0}, validation={"val/H": 3.0})
    two = outputs.add(None, metrics={"test/NCLL": 11.0}, quantities=LIKELIHOOD)
    rows = {row[0]: row[1:] for row in part(compared(one, two), "Metrics")}
    assert rows["val H"] == ("3.00", "-", "")
    assert rows["H"] == ("40.00", "-", "")
    assert rows["NCLL"] == ("10.00", "11.00", "")


def test_a_run_that_was_cut_short_can_be_compared(outputs):
    comparison = compared(outputs.add(40.0), outputs.add(None, status="running"))
    assert "cut short" in comparison.intro[1]


def test_what_is_no_run_is_refused(outputs, capsys):
    run = outputs.add(40.0)
    outputs.add(41.0)
    with pytest.raises(RunError, match="expected the directory of one run; found 2 runs"):
        compared(outputs.folder, run)
    with pytest.raises(SystemExit) as refused:
        main(["--diff", str(run)])
    assert refused.value.code == 2
    assert "--diff compares two runs" in capsys.readouterr().err


def test_the_command_prints_both_forms(outputs, capsys, monkeypatch):
    runs = [str(outputs.add(40.0, config={"name_of": "a|b [red]"})), str(outputs.add(41.0))]
    assert main(["--diff", *runs]) == 0
    assert "| model.name_of | a\\|b [red] | - |" in capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["--diff", *runs, "--format", "text"]) == 0
    assert "a|b [red]" in capsys.readouterr().out


def test_a_metric_that_is_no_number_is_none(outputs):
    one, two = (outputs.add(None, metrics={"test/H": value}) for value in (float("nan"), 40.0))
    assert part(compared(one, two), "Metrics")[0] == ("H", "-", "40.00", "")
