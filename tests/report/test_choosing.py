"""Which runs are in a report, which row stands for a search, and whose test values compete."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zsl_runner.errors import RunError
from zsl_runner.report.collect import collect
from zsl_runner.report.formats import markdown
from zsl_runner.report.plots.material import families
from zsl_runner.report.where import condition, narrowed

SEARCHED = [(0.013, 8, 20.0, 41.0), (0.2, 31, 30.0, 40.0), (0.0071, 17, 10.0, 60.0), (0.09, 12, 25.0, 50.0)]
"""Values of two keys, val/H and test/H; what validation chooses is the worst on test rows."""


def add(outputs, h, val=None, seed=0, model="sgal", study=None, **config):
    selection = {"mode": "last", "metric": "val/H"}
    validation = {} if val is None else {"val/H": val}
    return outputs.add(h, seed, model, config=config, selection=selection, validation=validation, study=study)


def runs_where(outputs, *conditions):
    return [run.directory for run in narrowed(collect([outputs.folder]), conditions).runs]


def bold(report, tag):
    return [row.group.traits["model"] + row.group.differs for row in report.blocks[0].rows if tag in row.best]


def test_conditions_narrow_the_runs(outputs):
    small, large = add(outputs, 40.0, 20.0, lr=1e-3, dim=8), add(outputs, 50.0, 30.0, lr="1e-4", dim=16)
    other = add(outputs, 45.0, None, seed=3, model="vzsl", dim=8)
    assert runs_where(outputs, "dim=8") == [small, other]
    assert runs_where(outputs, "model.dim=8", "model=sgal") == [small]
    assert runs_where(outputs, "model!=sgal") == [other]
    assert runs_where(outputs, "lr=0.0001") == [large]  # as numbers, however they are written
    assert runs_where(outputs, "lr<=0.001") == [small, large]
    assert runs_where(outputs, "dim=8,16", "seed<3") == [small, large]
    assert runs_where(outputs, "lr!=0.001") == [large, other]
    assert runs_where(outputs, "val/H>=30") == [large]
    assert runs_where(outputs, "test/H > 40") == runs_where(outputs, "H>40") == [large, other]
    assert runs_where(outputs, "dataset=cub", "dim=99") == []


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ("dim", "expected KEY=VALUE"),
        ("=8", "expected KEY=VALUE"),
        ("dim<wide", "< orders numbers"),
        ("dim>true", "> orders numbers"),
        ("depth=8", "no run has depth"),
    ],
)
def test_conditions_that_are_none_are_refused(outputs, asked, expected):
    add(outputs, 40.0, dim=8)
    with pytest.raises(RunError, match=expected):
        narrowed(collect([outputs.folder]), [asked])


@given(
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.sampled_from(["<", "<=", ">", ">="]),
)
def test_a_number_in_a_condition_is_that_number(limit, sign):
    assert condition(f"trainer.lr {sign} {limit!r}").values == (limit,)


def test_a_search_folds_into_the_row_that_validation_chose(outputs):
    for lr, dim, val, test in SEARCHED:
        add(outputs, test, val, lr=lr, dim=dim)
    add(outputs, 55.0, 1.0, model="vzsl")
    report = outputs.report()
    assert [row.varied for row in report.blocks[0].rows] == ["dim=31, lr=0.2 (best val H of 4)", ""]
    assert [row.cells["test/H"].mean for row in report.blocks[0].rows] == [40.0, 55.0]
    assert len(outputs.report(fold=False).blocks[0].rows) == 5
    assert len(outputs.report(by=["model", "model.lr"]).blocks[0].rows) == 5


def test_a_grid_does_not_fold_and_neither_does_a_search_without_validation(outputs):
    for dim in (8, 16):
        for lr in (0.1, 0.2):
            add(outputs, 40.0, 20.0, dim=dim, lr=lr)
    for lr, dim, _, test in SEARCHED:
        add(outputs, test, None, model="vzsl", lr=lr, dim=dim)
    assert len(outputs.report().blocks[0].rows) == 8


def one_at_a_time(outputs, **options):
    settings = {"dim": 16, "lr": 0.001, "weight": 0.1}
    others = {"dim": (8, 32), "lr": (0.01, 0.0001), "weight": (0.0, 1.0)}
    for changed in ({}, *({key: value} for key, values in others.items() for value in values)):
        add(outputs, 40.0, 30.0, **settings | changed, **options)


def test_settings_that_no_search_started_do_not_fold_whatever_their_values(outputs):
    one_at_a_time(outputs, study="")
    report = outputs.report()
    assert [row.tried for row in report.blocks[0].rows] == [0] * 7
    one_at_a_time(outputs, model="vzsl")  # as earlier versions recorded them: the values fill no grid
    assert [row.tried for row in outputs.report().blocks[0].rows] == [*[0] * 7, 7]


def test_records_that_tell_of_no_study_are_apart_only_if_they_are_like_a_search(outputs):
    for lr, dim, val, test in SEARCHED:
        add(outputs, test, val, lr=lr, dim=dim)
    add(outputs, 55.0, 22.0, study="", lr=0.5, dim=8)
    add(outputs, 40.0, 30.0, seed=1, study="", lr=0.2, dim=31)  # a further seed of what the search chose
    assert rows(outputs.report()) == [
        ("sgal", "dim=8, lr=0.5"),
        ("sgal", "dim=31, lr=0.2 (best val H of 4)"),
    ]
    for dim, study in ((8, None), (16, None), (32, "")):
        add(outputs, 40.0, 20.0, model="vzsl", study=study, dim=dim)
    assert [row.tried for row in outputs.report().blocks[0].rows] == [0, 4, 0, 0, 0]
    (_, grid) = families(outputs.material())
    assert (grid.name, len(grid.groups), grid.is_search) == ("vzsl", 3, False)


def test_settings_that_were_run_before_and_after_options_came_are_no_search(outputs):
    later = {"capture": "auto", "anomaly": False, "overfit": False}
    add(outputs, 40.0, 20.0, dim=8)
    add(outputs, 41.0, 21.0, dim=16)
    add(outputs, 41.0, 21.0, dim=16, **later)
    assert len(outputs.report().blocks[0].rows) == 3


def rows(report):
    return [(row.group.traits["model"], row.varied) for row in report.blocks[0].rows]


def test_a_search_along_one_key_folds_and_a_grid_of_the_same_values_does_not(outputs):
    for lr, _, val, _ in SEARCHED:
        add(outputs, None, val, study="tpe-1", lr=lr)
        add(outputs, None, val, model="vzsl", lr=lr)
    found = rows(outputs.report())
    assert found[0] == ("sgal", "lr=0.2 (best val H of 4)")
    assert found[1:] == [("vzsl", f"lr={lr}") for lr, *_ in sorted(SEARCHED)]


def test_a_search_over_a_small_grid_folds_if_its_values_fill_it(outputs):
    for dim in (8, 16):
        for lr in (0.1, 0.2):
            add(outputs, None, dim * lr, study="tpe-1", dim=dim, lr=lr)
    assert rows(outputs.report()) == [("sgal", "dim=16, lr=0.2 (best val H of 4)")]


def test_searches_fold_each_into_its_own_row(outputs):
    for number, (lr, _, val, _) in enumerate(SEARCHED * 2):
        add(outputs, None, val, study=f"tpe-{number // 4}", lr=lr, steps=10 * (number // 4))
    assert [varied for _, varied in rows(outputs.report())] == [
        "lr=0.2, steps=0 (best val H of 4)",
        "lr=0.2, steps=10 (best val H of 4)",
    ]


def test_what_was_trained_over_seeds_after_a_search_has_a_row_and_competes(outputs):
    for lr, dim, val, _ in SEARCHED:
        add(outputs, None, val, study="tpe-1", lr=lr, dim=dim, stages="[tune]")
    for seed in range(3):  # worse on validation rows than the search's single run of these values
        add(outputs, 40.0 + seed, 26.0 + seed, seed, lr=0.2, dim=31, study="", stages="[tune, final]")
    report = outputs.report()
    assert [(row.tried, row.group.runs[0].result.study) for row in report.blocks[0].rows] == [(0, ""), (4, "tpe-1")]
    assert bold(report, "test/H") == ["sgaldim=31, lr=0.2, stages=[tune, final]"]


def test_among_settings_of_a_method_test_rows_choose_nothing(outputs):
    add(outputs, 40.0, 30.0, dim=8)
    add(outputs, 60.0, 20.0, dim=16)
    assert bold(outputs.report(), "test/H") == ["sgaldim=8"]
    add(outputs, 50.0, 1.0, model="vzsl")
    report = outputs.report(metrics=["H", "val/H"])
    assert bold(report, "test/H") == ["vzsl"]  # better than what validation chose of sgal
    assert bold(report, "val/H") == ["sgaldim=8"]
    assert "on test rows only among the settings that validation chose" in markdown(report)


def test_settings_that_were_selected_by_different_metrics_have_no_best_test_value(outputs):
    outputs.add(40.0, config={"dim": 8}, selection={"metric": "val/T1"}, validation={"val/T1": 70.0, "val/H": 10.0})
    add(outputs, 60.0, 20.0, dim=16)
    assert bold(outputs.report(), "test/H") == []


def test_settings_without_validation_have_no_best_test_value(outputs):
    add(outputs, 40.0, dim=8)
    add(outputs, 60.0, dim=16)
    assert bold(outputs.report(), "test/H") == []


def test_runs_that_were_only_validated_have_their_validation_metric(outputs):
    for dim, val in ((8, 20.0), (16, 30.0)):
        add(outputs, None, val, dim=dim)
    report = outputs.report()
    assert list(report.blocks[0].quantities) == ["val/H"]
    assert bold(report, "val/H") == ["sgaldim=16"]
    add(outputs, 50.0, 10.0, model="vzsl")
    report = outputs.report()
    assert list(report.blocks[0].quantities) == ["test/U", "test/H", "val/H"]
    assert report.notes == []


def test_the_top_rows_are_those_best_on_validation_rows(outputs):
    for dim, val, test in ((8, 20.0, 70.0), (16, 30.0, 40.0), (32, 25.0, 50.0)):
        add(outputs, test, val, dim=dim)
    report = outputs.report(top=2)
    assert [row.group.differs for row in report.blocks[0].rows] == ["dim=16", "dim=32"]
    assert report.notes == ["cub: the best 2 of 3 rows by val H"]
    report = outputs.report(sort="H", top=1)
    assert [row.group.differs for row in report.blocks[0].rows] == ["dim=8"]
    assert report.notes == ["cub: the best 1 of 3 rows by H; best on test rows, which must choose nothing"]
    assert outputs.report(top=3).notes == []


def test_the_baseline_stays_below_the_top_rows(outputs):
    add(outputs, 30.0, 10.0, model="vzsl")
    for dim, val in ((8, 20.0), (16, 30.0)):
        add(outputs, 40.0, val, dim=dim)
    report = outputs.report(top=1, baseline="vzsl")
    assert rows(report) == [("sgal", "dim=16"), ("vzsl", "")]
    assert report.notes == ["cub: the best 1 and the baseline of 3 rows by val H"]
    report = outputs.report(top=1, baseline="sgal,dim=16")
    assert rows(report) == [("sgal", "dim=16")]
    assert report.notes == ["cub: the best 1 of 3 rows by val H"]


def test_rows_of_which_none_has_the_metric_are_not_cut(outputs):
    for model, h in (("aaa", 10.0), ("bbb", 60.0), ("ccc", 50.0)):
        add(outputs, h, model=model)
    outputs.add(None, metrics={"test/T1": 40.0}, dataset="sun")
    report = outputs.report(top=1)
    assert [len(block.rows) for block in report.blocks] == [3, 1]
    assert "cub: all 3 rows, not the best 1: none has the metric it was selected by; --sort ranks them by another" in (
        report.notes
    )
    report = outputs.report(sort="T1", top=1)
    assert "cub: all 3 rows, not the best 1: none has T1" in report.notes


def test_rows_that_were_selected_by_different_metrics_are_ranked_only_by_one_that_is_named(outputs):
    outputs.add(50.0, model="aaa", selection={"metric": "val/T1"}, validation={"val/T1": 70.0, "val/H": 30.0})
    add(outputs, 40.0, 60.0, model="bbb")
    add(outputs, 41.0, 65.0, model="ccc")
    report = outputs.report(top=1)
    assert [row.group.traits["model"] for row in report.blocks[0].rows] == ["aaa", "bbb", "ccc"]
    (note,) = report.notes
    assert note == "cub: all 3 rows, not the best 1: they were selected by val T1 and val H; --sort ranks them by one"
    report = outputs.report(sort="val/H", top=1)
    assert [row.group.traits["model"] for row in report.blocks[0].rows] == ["ccc"]
    assert report.notes == ["cub: the best 1 of 3 rows by val H"]


def test_a_row_that_pools_runs_selected_by_different_metrics_is_ranked_with_none(outputs):
    for number, metric in enumerate(("val/H", "val/T1")):
        outputs.add(50.0, number, selection={"metric": metric}, validation={metric: 70.0}, config={"dim": number})
    add(outputs, 40.0, 60.0, model="vzsl")
    report = outputs.report(by=["model"], top=1)
    assert len(report.blocks[0].rows) == 2
    assert "they were selected by val H and val T1" in report.notes[0]


def test_a_row_that_cannot_be_ranked_stays_and_is_named(outputs):
    add(outputs, 90.0, model="aaa")
    for dim, val in ((8, 20.0), (16, 30.0), (32, 25.0)):
        add(outputs, 40.0, val, dim=dim)
    report = outputs.report(top=2)
    assert rows(report) == [("sgal", "dim=16"), ("sgal", "dim=32"), ("aaa", "")]
    assert report.notes == ["cub: the best 2 of 3 rows by val H; unranked, without val H: aaa/em"]
    report = outputs.report(top=3)
    assert len(report.blocks[0].rows) == 4
    assert report.notes == [
        "cub: all 4 rows, not the best 3: only 3 can be ranked; unranked, without val H: aaa/em",
    ]


@pytest.mark.parametrize("key", ["validation_seed", "validation_classes", "holdout"])
def test_settings_that_were_validated_on_other_rows_do_not_compete(outputs, key):
    for value, (val, h) in enumerate([(42.0, 61.0), (18.0, 62.0)]):
        selection = {"mode": "last", "metric": "val/H"}
        outputs.add(h, 0, selection=selection, validation={"val/H": val}, dataset_options={key: value})
    report = outputs.report(metrics=["val/H", "H"])
    assert bold(report, "val/H") == bold(report, "test/H") == []
    assert "all 2 rows, not the best 1: they were validated on different rows" in outputs.report(top=1).notes[0]
