"""What `zsl-eval` prints; whole runs of it are in tests/recipes/."""

import pytest

from zsl_runner.evaluate.cli import main
from zsl_runner.report.scores import table


def scores(**changes):
    values = {
        "run": "outputs/sgal/cub/seed-0",
        "stage": "final",
        "steps_done": 7,
        "complete": True,
        "settings": [],
        "metrics": {"test/H": 53.333, "test/T1": 9.9},
        "quantities": {},
    }
    return values | changes


def test_accuracies_are_in_per_cent():
    assert table(scores()).splitlines() == [
        "outputs/sgal/cub/seed-0",
        "final stage, finished",
        "  test/H        53.33 %",
        "  test/T1        9.90 %",
    ]


def test_other_metrics_have_their_unit_and_decimals():
    quantities = {"NCLL_ELBO": {"unit": "nats", "lower_is_better": True, "digits": 2}}
    metrics = {"test/NCLL_ELBO": 4329.9412, "test/NCLL_ELBO_se": 0.1255, "test/accuracy": 9.9}
    assert table(scores(metrics=metrics, quantities=quantities, stage="fit", complete=False)).splitlines()[1:] == [
        "fit stage, stopped after 7 steps",
        "  test/NCLL_ELBO    4329.941 nats",
        "  test/NCLL_ELBO_se    0.126 nats",
        "  test/accuracy         9.90 %",
    ]


@pytest.mark.parametrize(("name", "shown"), [("classes", "least accurate"), ("assigned", "with most rows")])
def test_of_thousands_of_classes_some_are_printed(name, shown):
    columns = {"classes": ("rows", "accuracy"), "assigned": ("rows", "rows_unseen")}[name]

    def lines(count):
        order = range(count - 1, -1, -1)  # those to be shown come last
        values = [(count - k, float(k)) for k in order]
        tables = {name: {"rows": [f"class {k}" for k in order], "columns": columns, "values": values}}
        return table(scores(metrics={}, tables=tables)).splitlines()[4:]

    assert len(lines(250)) == 250
    *found, last = lines(3000)
    assert [line.split()[1] for line in found] == [str(k) for k in range(20)]
    assert last == f"  the 20 {shown} of 3,000 classes; --json prints all"


def test_without_a_run_that_alone_is_asked_for(capsys):
    with pytest.raises(SystemExit):
        main([])
    assert capsys.readouterr().err.endswith("the following arguments are required: RUN\n")
