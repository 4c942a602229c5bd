"""Published results beside ours: only beside rows that measured the same."""

import json

import pytest

from tests.outputs import INDUCTIVE, REAL, rows_of
from zsl_runner.report.formats import as_csv, markdown

ON = {"dataset": "cub", "semantics": "att", "split": "PS1", "setting": "inductive"}
SENTENCES = "sent of sent_splits.mat: 1024-d, unit L2"
FEW = "few-shot, 5 labelled rows of each unseen class"


def quote(directory, h=42.51, of=ON, source="Paper, table 2", features="fc1000", note="", **config):
    """Let a run quote a published H."""
    reference = {"source": source, "feature_kind": features, "of": of, "metrics": {"test/H": h}, "note": note}
    (directory / "config.yaml").write_text(json.dumps({"reference": reference, **config}))


def test_published_results_are_compared_on_equal_features_only(outputs):
    directory = outputs.add(40.0)
    quote(directory)
    assert "H -2.5 from 42.5 (Paper, table 2)" in markdown(outputs.report())
    quote(directory, features="res101")
    assert "42.5" not in markdown(outputs.report())


def test_how_a_published_result_was_obtained_stands_beside_the_deviation(outputs):
    for seed, note in enumerate(["best epoch on the test split", "best epoch on the test split", "best test epoch"]):
        quote(outputs.add(40.0, seed), note=note)
    said = "H -2.5 from 42.5 (Paper, table 2; best epoch on the test split; best test epoch)"
    assert said in markdown(outputs.report())
    assert said in as_csv(outputs.report())


@pytest.mark.parametrize(
    ("record", "of", "why"),
    [
        ({"dataset": "flowers"}, {}, "data set flowers, theirs is cub"),
        ({"data": REAL | {"semantics": SENTENCES}}, {}, "side information sent, theirs is att"),
        ({"data": REAL | {"split_version": "PS2"}}, {}, "split PS2, theirs is PS1"),
        ({"setting": INDUCTIVE | {"kind": FEW}}, {}, f"setting {FEW}, theirs is inductive"),
        (
            {"setting": {"kind": "transductive", "class_prior": "uniform"}},
            {"setting": "transductive", "class_prior": "known"},
            "class prior uniform, theirs is known",
        ),
        (
            {"setting": {"kind": "transductive", "class_prior": "known"}},
            {"setting": "transductive"},
            "nobody said of which class prior they are (reference.of)",
        ),
        ({}, {"split": "", "semantics": ""}, "nobody said of which split, side information they are (reference.of)"),
    ],
    ids=["data set", "side information", "split", "shots", "class prior", "no class prior", "nothing said"],
)
def test_published_results_of_something_else_are_beside_no_row(outputs, record, of, why):
    quote(outputs.add(40.0, **record), of=ON | of)
    report = outputs.report(reference=True)
    assert [row.deviation for row in rows_of(report)] == [""]
    (note,) = report.notes
    assert note.endswith(f"H 42.5, Paper, table 2, on fc1000; NOT compared: {why}")


def test_results_of_the_same_class_prior_and_side_information_are_compared(outputs):
    setting = {"kind": "transductive", "class_prior": "known"}
    directory = outputs.add(40.0, data=REAL | {"semantics": SENTENCES}, setting=setting)
    of = {"setting": "transductive", "class_prior": "known", "semantics": "sent"}
    quote(directory, of=ON | of)
    assert [row.deviation for row in rows_of(outputs.report())] == ["H -2.5 from 42.5 (Paper, table 2)"]


def test_a_row_that_holds_an_older_run_which_does_not_say_what_the_results_are_of_has_none(outputs):
    quote(outputs.add(40.0, 0))
    quote(outputs.add(41.0, 1), of={})
    assert [(row.cells["test/H"].n, row.deviation) for row in rows_of(outputs.report())] == [(2, "")]


def test_results_on_data_without_class_vectors_need_no_side_information(outputs):
    setting, of = {"kind": "unsupervised"}, {"dataset": "mnist_images", "split": "PS1", "setting": "unsupervised"}
    quote(outputs.add(40.0, dataset="mnist_images", setting=setting), of=of)
    assert [row.deviation for row in rows_of(outputs.report())] == ["H -2.5 from 42.5 (Paper, table 2)"]


def test_a_row_that_pools_experiments_is_beside_no_published_result_of_one_of_them(outputs):
    for model, published in (("sgal", 42.5), ("vzsl", 50.0)):
        quote(outputs.add(40.0, model=model), published, source=f"Paper of {model}", model={"name": model})
    assert [row.deviation for row in rows_of(outputs.report())] == [
        "H -2.5 from 42.5 (Paper of sgal)",
        "H -10.0 from 50.0 (Paper of vzsl)",
    ]
    pooled = outputs.report(by=["dataset"], reference=True)
    (row,) = rows_of(pooled)
    assert (row.cells["test/H"].n, row.deviation) == (2, "")
    assert any(note.endswith("; NOT compared: other runs of the row quote other results") for note in pooled.notes)


@pytest.mark.parametrize(("features", "verdict"), [("fc1000", "compared"), ("res101", "NOT compared: ours are fc1000")])
def test_published_results_are_listed_on_request_comparable_or_not(outputs, features, verdict):
    quote(outputs.add(40.0), features=features, note="one seed")
    (note,) = outputs.report(reference=True).notes
    assert note == f"published: sgal/em on cub: H 42.5 (one seed), Paper, table 2, on {features}; {verdict}"
    assert outputs.report().notes == []
    compared = "H -2.5 from 42.5 (Paper, table 2; one seed)" in markdown(outputs.report(reference=True))
    assert compared == (verdict == "compared")
