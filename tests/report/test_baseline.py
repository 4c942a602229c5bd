"""Differences to a baseline and costs in a report."""

import csv
import io
import re

import pytest
import scipy.stats

from tests.outputs import rows_of
from zsl_runner.errors import RunError
from zsl_runner.report.cli import main
from zsl_runner.report.formats import as_csv, latex, markdown

OURS = [50.0, 51.0, 53.0, 52.0, 50.5]
THEIRS = [48.0, 50.0, 50.5, 51.5, 48.5]
OTHERS = [49.0, 49.5, 51.0, 51.0, 49.5]


@pytest.fixture
def compared(outputs):
    for model, values in (("sgal", OURS), ("eszsl", THEIRS), ("vzsl", OTHERS)):
        for seed, h in enumerate(values):
            outputs.add(h, seed, model=model)
    return outputs


def row(report, model):
    (found,) = [row for block in report.blocks for row in block.rows if row.group.traits["model"] == model]
    return found


def test_differences_to_a_baseline_are_paired_by_seed(outputs):
    for seed, (ours, theirs) in enumerate([(50.0, 40.0), (60.0, 52.0), (70.0, None)]):
        outputs.add(ours, seed, model="sgal")
        if theirs is not None:
            outputs.add(theirs, seed, model="eszsl")
    report = outputs.report(baseline="eszsl")
    rows = {row.group.traits["model"]: row for row in rows_of(report)}
    difference = rows["sgal"].differences["test/H"]
    assert (difference.mean, difference.std, difference.n) == (9.0, pytest.approx(2**0.5), 2)
    assert not rows["eszsl"].differences
    assert "+9.0 ± 1.4 (2)" in markdown(report)
    assert "9.0" in as_csv(report)
    outputs.add(1.0, model="eszsl", config={"other": 1})
    with pytest.raises(RunError, match="2 rows of cub have this name"):
        outputs.report(baseline="eszsl/em")
    with pytest.raises(RunError, match="no row has this name; there are eszsl, eszsl/em, sgal, sgal/em"):
        outputs.report(baseline="absent")


def test_only_seeds_of_both_are_pairs(compared):
    for seed in (5, 6):
        compared.add(90.0, seed, model="sgal")
    difference = row(compared.report(baseline="eszsl"), "sgal").differences["test/H"]
    assert difference.n == 5
    assert difference.mean == pytest.approx(1.6)


def test_pooled_configurations_are_paired_if_each_seed_has_one(outputs):
    for seed, (ours, theirs) in enumerate(zip(OURS, THEIRS, strict=True)):
        outputs.add(ours, seed, model="sgal", config={"weights": f"first+seed-{seed}"})
        outputs.add(theirs, seed, model="eszsl", config={"weights": f"first+seed-{seed}"})
    found = row(outputs.report(by=["model"], metrics=["H"], baseline="eszsl"), "sgal").differences["test/H"]
    assert found.n == 5
    assert found.p == pytest.approx(scipy.stats.ttest_rel(OURS, THEIRS).pvalue)
    outputs.add(49.0, 0, model="sgal", config={"weights": "another"})
    assert row(outputs.report(by=["model"], metrics=["H"], baseline="eszsl"), "sgal").differences["test/H"] is None


def test_a_baseline_is_told_from_others_of_its_name_by_its_settings(outputs):
    for seed in range(2):
        for dim in (8, 16, 32):
            outputs.add(40.0 + dim / 8, seed, config={"latent_dim": dim, "depth": 1 if dim < 32 else 2})
    with pytest.raises(
        RunError, match=r"3 rows of cub have this name; add one of .*model.latent_dim=16.* after a comma"
    ):
        outputs.report(baseline="sgal")
    for name in ("sgal,latent_dim=16", "sgal/em,model.latent_dim=16", "sgal,depth=1,latent_dim=16"):
        rows = [row for block in outputs.report(baseline=name).blocks for row in block.rows]
        differences = {row.group.varied["model.latent_dim"]: row.differences for row in rows}
        assert not differences[16]
        assert (differences[8]["test/H"].mean, differences[32]["test/H"].mean) == (-1.0, 2.0)
    with pytest.raises(RunError, match="no row has this name"):
        outputs.report(baseline="sgal,latent_dim=6")


def test_p_values_are_paired_and_adjusted_for_the_other_rows(compared):
    report = compared.report(metrics=["H"], baseline="eszsl")
    ours, others = (scipy.stats.ttest_rel(values, THEIRS).pvalue for values in (OURS, OTHERS))
    assert ours < others
    assert row(report, "sgal").differences["test/H"].p == pytest.approx(2 * ours)
    assert row(report, "vzsl").differences["test/H"].p == pytest.approx(max(2 * ours, others))
    text = markdown(report)
    assert "| model | trainer | selection | H | H minus baseline | p (H) | n | time |" in text
    assert f"| +1.6 ± 0.8 | {2 * ours:.3f} | 5 |" in text
    assert "Differences to eszsl are paired by seed. p: two-sided paired t test" in text
    line = next(csv.DictReader(io.StringIO(as_csv(report))))
    assert line["H minus baseline p"] == ""
    lines = {line["model"]: line for line in csv.DictReader(io.StringIO(as_csv(report)))}
    assert float(lines["sgal"]["H minus baseline p"]) == pytest.approx(2 * ours)
    assert "% Per cent, mean" not in latex(report)
    assert "two-sided paired t test" in latex(report)


def test_too_few_pairs_get_no_p_value(outputs):
    for seed, (ours, theirs) in enumerate(zip(OURS[:4], THEIRS[:4], strict=True)):
        outputs.add(ours, seed, model="sgal")
        outputs.add(theirs, seed, model="eszsl")
    report = outputs.report(metrics=["H"], baseline="eszsl")
    assert row(report, "sgal").differences["test/H"].p is None
    assert "| n < 5 | 4 |" in markdown(report)
    assert "n < 5" in as_csv(report)


def test_equal_differences_are_no_test(outputs):
    for seed in range(6):
        outputs.add(40.0 + seed, seed, model="sgal")
        outputs.add(39.0 + seed, seed, model="eszsl")
    assert "| +1.0 ± 0.0 | no spread | 6 |" in markdown(outputs.report(metrics=["H"], baseline="eszsl"))


def test_costs_are_means_and_stages_sums(outputs):
    for seed, seconds in enumerate([60.0, 120.0]):
        cost = {"wall_seconds": seconds, "cpu_seconds": 2 * seconds, "peak_memory_mb": 500.0 + seed}
        outputs.add(40.0, seed, cost=cost | {"gradient_steps": {"tune": 100, "final": 50 + seed}})
    outputs.add(40.0, model="other", cost={})
    text = markdown(outputs.report(cost=True))
    assert "| n | time | CPU time | memory | steps |" in text
    assert "| 2 | 1:30 | 3:00 | 500 MiB | 150 |" in text
    assert "memory" not in markdown(outputs.report())
    other, sgal = csv.DictReader(io.StringIO(as_csv(outputs.report())))
    assert [float(sgal[name]) for name in ("seconds", "CPU seconds", "peak MiB", "gradient steps")] == [
        90,
        180,
        500.5,
        150.5,
    ]
    assert other["CPU seconds"] == ""
    assert other["peak MiB on the GPU"] == sgal["peak MiB on the GPU"] == ""


def test_memory_of_the_gpu_has_a_column_where_runs_had_one(outputs):
    outputs.add(40.0, cost={"peak_memory_mb": 900.0, "device_memory_mb": 310.4})
    text = markdown(outputs.report(cost=True))
    assert "| memory | GPU memory |" in text
    assert "| 900 MiB | 310 MiB |" in text


def test_the_options_of_the_command(compared, capsys):
    arguments = [str(compared.folder), "--metric", "H", "--baseline", "eszsl/em", "--cost", "--reference"]
    assert main(arguments) == 0
    assert re.search(
        r"\| sgal \| em \| last \| \*\*51.3 ± 1.2\*\* \| \+1.6 ± 0.8 \| 0\.\d\d\d \|", capsys.readouterr().out
    )
    assert main([*arguments[:-1], "--baseline", "nobody"]) == 2
    assert "no row has this name" in capsys.readouterr().err


def test_a_row_without_pairs_says_why(outputs):
    for seed, (ours, theirs) in enumerate(zip(OURS, THEIRS, strict=True)):
        outputs.add(theirs, seed, model="eszsl")
        outputs.add(ours, 10 + seed, model="sgal")
    report = outputs.report(metrics=["H"], baseline="eszsl")
    assert report.notes == ["sgal/em on cub: no difference to the baseline: they have no seed in common"]
    assert "paired" not in markdown(report)
    for value in (1.0, 2.0):
        outputs.add(value, 0, model="vzsl", config={"weight": value})
    report = outputs.report(metrics=["H"], baseline="eszsl", by=["model"])
    assert "vzsl/em on cub: no difference to the baseline: several runs have one seed" in report.notes
