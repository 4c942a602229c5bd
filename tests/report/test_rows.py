"""Which runs share a row of a report, what the row is called, and its mean, spread and number of seeds."""

import csv
import io
import json
from dataclasses import replace

import pytest

from tests.outputs import rows_of
from zsl_runner.errors import RunError
from zsl_runner.report.collect import collect
from zsl_runner.report.formats import as_csv, markdown
from zsl_runner.runs.result import Result


def test_means_and_deviations_are_those_computed_by_hand(outputs):
    for seed, h in enumerate([40.0, 42.0, 47.0]):
        outputs.add(h, seed)
    (row,) = rows_of(outputs.report())
    assert row.cells["test/H"].mean == 43.0
    assert row.cells["test/H"].std == pytest.approx(13.0**0.5)
    assert row.cells["test/H"].n == 3
    assert "| 21.5 ± 1.8 | 43.0 ± 3.6 | 3 | 1:00 |" in markdown(outputs.report())


def test_one_seed_has_no_spread(outputs):
    outputs.add(40.0)
    text = markdown(outputs.report())
    assert "| 20.0 | 40.0 | 1 |" in text
    (line,) = csv.DictReader(io.StringIO(as_csv(outputs.report())))
    assert (line["H mean"], line["H std"], line["H n"]) == ("40.0", "", "1")


def test_missing_values_are_counted_not_hidden(outputs):
    outputs.add(40.0, 0)
    outputs.add(42.0, 1)
    outputs.add(None, 2, metrics={"test/U": 20.0, "test/H": float("nan")})
    (row,) = rows_of(outputs.report())
    assert (row.cells["test/H"].n, row.cells["test/U"].n) == (2, 3)
    assert "41.0 ± 1.4 (2)" in markdown(outputs.report())


def test_a_seed_run_twice_counts_once_and_is_reported(outputs):
    first = outputs.add(40.0, 0)
    second = outputs.add(40.0, 0)
    third = outputs.add(41.0, 0)
    report = outputs.report()
    (row,) = rows_of(report)
    assert (row.cells["test/H"].mean, row.cells["test/H"].n) == (40.0, 1)
    assert [str(path) in note for path, note in zip((second, third), report.notes, strict=True)] == [True, True]
    assert all(f"{first} counts" in note for note in report.notes)
    assert "same metrics" in report.notes[0]
    assert "DIFFERENT METRICS" in report.notes[1]


@pytest.mark.parametrize(
    ("first", "second", "verdict"), [(40.0, 40.0, "same metrics"), (40.0, 55.0, "DIFFERENT METRICS")]
)
def test_seeds_run_twice_without_test_rows_are_compared_on_validation_rows(outputs, first, second, verdict):
    for value in (first, second):
        outputs.add(None, 0, validation={"val/H": value}, selection={"mode": "last", "metric": "val/H"})
    (note,) = outputs.report().notes
    assert verdict in note


def test_a_cost_that_was_not_measured_is_left_out(outputs):
    outputs.add(40.0, 0, cost={"wall_seconds": None, "gradient_steps": {"tune": 5, "final": None}})
    (row,) = rows_of(outputs.report(cost=True))
    assert (row.group.cost("wall_seconds"), row.group.cost("gradient_steps")) == (None, None)
    outputs.add(41.0, 1, cost={"wall_seconds": 30.0, "gradient_steps": {"tune": 5, "final": 2}})
    report = outputs.report(cost=True)
    (row,) = rows_of(report)
    assert (row.group.cost("wall_seconds"), row.group.cost("gradient_steps")) == (30.0, 7.0)
    assert "| 0:30 | 7 |" in markdown(report)


def test_the_same_folder_twice_counts_once(outputs):
    outputs.add(40.0)
    assert len(collect([outputs.folder, outputs.folder / "sgal"]).runs) == 1


def test_configurations_are_told_apart_by_what_differs(outputs):
    for seed in (0, 1):
        outputs.add(40.0 + seed, seed, config={"latent_dim": 8, "lr": 0.1})
        outputs.add(50.0 + seed, seed, config={"latent_dim": 16, "lr": 0.1})
    first, second = rows_of(outputs.report())
    assert (first.group.varied, second.group.varied) == ({"model.latent_dim": 8}, {"model.latent_dim": 16})
    assert [first.cells["test/H"].n, second.cells["test/H"].n] == [2, 2]
    assert "latent_dim=16" in markdown(outputs.report())


@pytest.mark.parametrize(
    ("kinds", "names", "told"),
    [
        (("flat", "deep"), ("flat", "deep"), ["model.prior.name=deep", "model.prior.name=flat"]),
        (("flat", "deep"), ("same", "same"), ["model.prior.kind=deep", "model.prior.kind=flat"]),
    ],
)
def test_the_kind_of_a_part_is_told_where_its_name_does_not_tell_it_and_either_with_the_part(
    outputs, kinds, names, told
):
    for kind, name in zip(kinds, names, strict=True):
        outputs.add(40.0, config={"prior": {"kind": kind, "name": name}})
    assert sorted(row.group.differs for row in rows_of(outputs.report())) == told


def test_a_further_seed_that_follows_the_runs_is_no_difference(outputs):
    """As with dataset.label_seed=${seed}: each run draws its labels anew, and all repeat each other."""
    for seed, h in enumerate([40.0, 42.0, 47.0]):
        outputs.add(h, seed, config={"label_seed": seed})
    (row,) = rows_of(outputs.report())
    assert (row.cells["test/H"].mean, row.cells["test/H"].n, row.group.differs) == (43.0, 3, "")
    for seed, h in enumerate([50.0, 52.0]):
        outputs.add(h, seed, config={"label_seed": 7})
    assert [row.group.differs for row in rows_of(outputs.report())] == ["label_seed=7", "label_seed=seed"]
    assert [row.cells["test/H"].n for row in rows_of(outputs.report())] == [2, 3]


@pytest.mark.parametrize("fixed", [0, 2, 9])
def test_a_seed_of_the_data_that_equals_one_runs_seed_by_chance_keeps_it_with_the_others(outputs, fixed):
    for seed, h in enumerate([40.0, 42.0, 47.0]):
        outputs.add(h, seed, config={"label_seed": seed, "holdout_seed": fixed})
    (row,) = rows_of(outputs.report())
    assert (row.cells["test/H"].mean, row.cells["test/H"].n, row.group.differs) == (43.0, 3, "")
    outputs.add(99.0, 2, config={"label_seed": 2, "holdout_seed": 3})
    rows = {row.group.differs: row.cells["test/H"] for row in rows_of(outputs.report())}
    assert rows[f"holdout_seed={fixed}, label_seed=seed"].mean == 43.0
    assert rows["holdout_seed=3, label_seed=2"].mean == 99.0


def test_of_two_ways_to_join_the_one_of_more_runs_is_taken(outputs):
    for seed, holdout in ((0, 0), (1, 0), (2, 0), (3, 3)):
        outputs.add(40.0 + seed, seed, config={"label_seed": seed, "holdout_seed": holdout})
    assert sorted(row.cells["test/H"].n for row in rows_of(outputs.report())) == [1, 3]


def test_an_option_that_happens_to_equal_the_seed_is_a_difference(outputs):
    for seed in (1, 2):
        outputs.add(40.0 + seed, seed, config={"layers": seed, "label_seed": 5})
    assert [row.group.differs for row in rows_of(outputs.report())] == ["layers=1", "layers=2"]


def test_an_option_that_older_runs_lack_is_shown_only_if_nothing_else_differs(outputs):
    outputs.add(40.0, config={"latent_dim": 8})
    outputs.add(41.0, config={"latent_dim": 16, "added_since": 1.0})
    assert "| latent_dim=16 |" in markdown(outputs.report())
    outputs.add(42.0, config={"latent_dim": 8, "added_since": 1.0})
    assert "| added_since=null, latent_dim=8 |" in markdown(outputs.report())


def as_of_another_version(directory, config_hash, change):
    """Let a run's configuration be what another version wrote, which recorded another hash of it."""
    values = json.loads((directory / "config.yaml").read_text())
    change(values)
    (directory / "config.yaml").write_text(json.dumps(values))
    replace(Result.load(directory), config_hash=config_hash).save(directory)


def test_runs_from_before_and_after_an_option_that_changes_nothing_share_a_row(outputs):
    """Replayed steps give the same numbers to the bit, and a neutral option does so by its default."""
    before = [outputs.add(40.0 + seed, seed, config={"kind": "class_maps"}) for seed in range(5)]
    as_of_another_version(before[1], "with", lambda values: values.update(runtime={"capture": "auto"}))
    as_of_another_version(before[2], "with", lambda values: values.update(runtime={"capture": "never"}))
    as_of_another_version(before[3], "later", lambda values: values["model"].update(weights=None))
    (row,) = rows_of(outputs.report())
    assert (row.cells["test/H"].n, row.group.differs) == (5, "")
    as_of_another_version(before[4], "other", lambda values: values["model"].update(weights="mine.pt"))
    assert {row.group.differs for row in rows_of(outputs.report())} == {"weights=null", "weights=mine.pt"}
    as_of_another_version(before[4], "other", lambda values: values["model"].update(weights=None, added_since=1))
    assert {row.group.differs for row in rows_of(outputs.report())} == {"added_since=null", "added_since=1"}


def test_settings_of_a_search_are_shown_in_few_digits_and_found_by_them(outputs):
    for place, weight in enumerate((0.0025684381317512338, 0.0081234567)):
        outputs.add(40.0 + place, config={"weight": weight, "latent_dim": 8})
    assert "| weight=0.002568 |" in markdown(outputs.report())
    settings = [line["varied"] for line in csv.DictReader(io.StringIO(as_csv(outputs.report())))]
    assert sorted(settings) == ["weight=0.0025684381317512338", "weight=0.0081234567"]
    for name in ("sgal,weight=0.002568", "sgal,weight=0.0025684381317512338"):
        assert "| +1.0 |" in markdown(outputs.report(metrics=["H"], baseline=name))


def test_pooling_is_done_on_request_and_said(outputs):
    outputs.add(40.0, 0, config={"latent_dim": 8})
    outputs.add(44.0, 0, config={"latent_dim": 16})
    outputs.add(44.0, 0, config={"latent_dim": 16})
    report = outputs.report(by=["model"])
    (row,) = rows_of(report)
    assert (row.cells["test/H"].mean, row.cells["test/H"].n) == (42.0, 2)
    assert "pools 2 configurations, on request (--by); n counts runs, of which several have" in report.notes[0]
    assert "was run more than once" in report.notes[1]
    split = outputs.report(by=["model", "model.latent_dim"])
    assert [row.cells["test/H"].mean for row in rows_of(split)] == [40.0, 44.0]
    with pytest.raises(RunError, match="--by nonsense: expected one of model, trainer"):
        outputs.report(by=["nonsense"])


def test_rows_that_pool_alike_share_a_note(outputs):
    for trainer in ("em", "em_control"):
        for latent_dim in (8, 16):
            outputs.add(40.0, latent_dim, trainer=trainer, config={"latent_dim": latent_dim})
    (note,) = outputs.report(by=["model", "trainer"]).notes
    assert note.startswith("sgal/em, sgal/em_control on ")
    assert note.endswith(": each row pools 2 configurations, on request (--by)")


def test_a_run_with_an_oracle_beside_one_without_counts_and_agrees(outputs):
    outputs.add(40.0, 0)
    oracle = outputs.add(40.0, 0, metrics={"test/H": 40.0, "test/U": 20.0, "oracle/H": 45.0})
    report = outputs.report()
    assert "same metrics" in report.notes[0]
    assert f"{oracle} counts" in report.notes[0]
    assert rows_of(report)[0].cells["oracle/H"].mean == 45.0


def test_a_value_written_in_another_way_is_the_same_configuration(outputs):
    for weight in (1, 1.0):
        seeded = {"holdout_seed": 0}  # may follow the run's seed, by which runs are joined whatever their hash
        outputs.add(40.0, 0, config={"weight": weight}, dataset_options=seeded, config_hash=f"weight={weight}")
    (note,) = outputs.report().notes
    assert "same metrics" in note


@pytest.mark.parametrize("records", [{}, {"prior_error": {"lower_is_better": True}}])
def test_the_smaller_error_of_a_class_prior_is_the_better_one(outputs, records):
    for model, error in (("bi_vaegan", 5.0), ("f_vaegan", 60.0)):
        outputs.add(40.0, 0, model, metrics={"test/H": 40.0, "oracle/prior_error": error}, quantities=records)
    rows = {row.group.traits["model"]: row for row in rows_of(outputs.report())}
    assert ["oracle/prior_error" in rows[model].best for model in ("bi_vaegan", "f_vaegan")] == [True, False]


def test_rows_of_other_data_say_so_whatever_their_models(outputs):
    for model, dataset in (
        ("eszsl", {"noise": 0.1, "seen": 8}),
        ("vzsl", {"noise": 2.0, "seen": 8}),
        ("sgal", {"seen": 8}),
    ):
        outputs.add(40.0, 0, model, dataset_options=dataset)
    rows = {row.group.traits["model"]: row.varied for row in rows_of(outputs.report())}
    assert rows == {"eszsl": "noise=0.1", "vzsl": "noise=2.0", "sgal": ""}
