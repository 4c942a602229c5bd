import csv
import io
import json
import re
import subprocess
import sys
import time

import pytest

from zsl_runner.errors import RunError
from zsl_runner.report.cli import main
from zsl_runner.report.collect import collect
from zsl_runner.report.formats import as_csv, latex, markdown
from zsl_runner.report.section import replace_section
from zsl_runner.report.table import build
from zsl_runner.result import Result

REAL = {
    "kind": "real",
    "feature_kind": "fc1000",
    "semantics": "att",
    "split_version": "PS1",
    "files": [{"sha256": "1"}],
}
INDUCTIVE = {"kind": "inductive", "class_prior": "uniform"}


@pytest.fixture
def outputs(tmp_path):
    return Outputs(tmp_path / "outputs")


class Outputs:
    def __init__(self, folder):
        self.folder = folder
        self.count = 0

    def add(self, h=None, seed=0, model="sgal", config=None, **changes):
        self.count += 1
        directory = self.folder / model / "cub" / f"run{self.count:03d}"
        directory.mkdir(parents=True)
        values = {
            "status": "complete",
            "model": model,
            "dataset": "cub",
            "trainer": "em",
            "seed": seed,
            "config_hash": f"{model}-{config}",
            "data": REAL,
            "setting": INDUCTIVE,
            "selection": {"mode": "last"},
            "started": f"2026-01-01T00:00:{self.count:02d}",
            "cost": {"wall_seconds": 60.0},
            "metrics": {} if h is None else {"test/H": h, "test/U": h / 2},
        } | changes
        Result(**values).save(directory)
        content = {"seed": seed, "model": {"name": model, **(config or {})}, "outputs": str(self.count)}
        (directory / "config.yaml").write_text(json.dumps(content))
        return directory

    def report(self, **options):
        return build(collect([self.folder]), **options)


def rows_of(report):
    return [row for block in report.blocks for row in block.rows]


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


def test_configurations_are_told_apart_by_what_differs(outputs):
    for seed in (0, 1):
        outputs.add(40.0 + seed, seed, config={"latent_dim": 8, "lr": 0.1})
        outputs.add(50.0 + seed, seed, config={"latent_dim": 16, "lr": 0.1})
    first, second = rows_of(outputs.report())
    assert (first.group.varied, second.group.varied) == ({"model.latent_dim": 16}, {"model.latent_dim": 8})
    assert [first.cells["test/H"].n, second.cells["test/H"].n] == [2, 2]
    assert "latent_dim=16" in markdown(outputs.report())


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


@pytest.mark.parametrize(
    "other",
    [
        {"setting": {"kind": "transductive", "class_prior": "uniform"}},
        {"setting": {"kind": "inductive", "class_prior": "known"}},
        {"data": REAL | {"feature_kind": "res101"}},
        {"data": REAL | {"kind": "synthetic"}},
        {"data": REAL | {"semantics": "sent"}},
        {"data": REAL | {"split_version": "PS2"}},
        {"dataset": "awa1"},
    ],
)
def test_what_is_not_comparable_never_shares_a_table(outputs, other):
    outputs.add(40.0)
    outputs.add(50.0, seed=1, **other)
    report = outputs.report()
    assert [len(block.rows) for block in report.blocks] == [1, 1]
    pooled = outputs.report(by=["model"])
    assert [len(block.rows) for block in pooled.blocks] == [1, 1]


def test_other_files_under_the_same_name_are_another_group(outputs):
    outputs.add(40.0)
    outputs.add(50.0, seed=1, data=REAL | {"files": [{"sha256": "2"}]})
    assert [row.cells["test/H"].n for row in rows_of(outputs.report())] == [1, 1]


def test_synthetic_data_and_priors_are_named(outputs):
    outputs.add(40.0, data=REAL | {"kind": "synthetic"}, setting={"kind": "transductive", "class_prior": "known"})
    text = markdown(outputs.report())
    assert "fc1000 [SYNTHETIC]" in text
    assert "transductive, known class prior" in text


def test_runs_that_are_not_complete_are_listed(outputs):
    outputs.add(40.0)
    failed = outputs.add(99.0, 1, status="failed", error={"type": "NonFiniteError", "message": "kl=nan\nmore"})
    stopped = outputs.add(99.0, 2, status="interrupted")
    running = outputs.add(None, 3, status="running")
    bare = outputs.add(None, 4)
    broken = outputs.folder / "broken"
    broken.mkdir()
    (broken / "result.json").write_text("{")
    report = outputs.report()
    assert [row.cells["test/H"].mean for row in rows_of(report)] == [40.0]
    assert report.notes[0] == f"failed: {failed} (seed 1): NonFiniteError: kl=nan"
    assert report.notes[1] == f"interrupted: {stopped} (seed 2)"
    assert report.notes[2] == f"running: {running} (seed 3)"
    assert report.notes[3] == f"complete but without U, H: {bare}"
    assert report.notes[4].startswith(f"unreadable: {broken / 'result.json'}: expected JSON")
    for form in (markdown, as_csv, latex):
        assert all(note in form(report) for note in report.notes)


def test_a_seed_run_twice_counts_once_and_is_reported(outputs):
    first = outputs.add(40.0, 0)
    second = outputs.add(40.0, 0)
    third = outputs.add(41.0, 0)
    report = outputs.report()
    (row,) = rows_of(report)
    assert (row.cells["test/H"].mean, row.cells["test/H"].n) == (40.0, 1)
    assert [str(path) in note for path, note in zip((second, third), report.notes, strict=True)] == [True, True]
    assert all(f"{first} counts" in note for note in report.notes)
    assert "same figures" in report.notes[0]
    assert "DIFFERENT FIGURES" in report.notes[1]


def test_oracle_figures_stand_in_columns_of_their_own(outputs):
    outputs.add(40.0)
    assert "oracle" not in markdown(outputs.report())
    outputs.add(41.0, 1, metrics={"test/H": 41.0, "test/U": 20.0, "oracle/H_cal": 60.0})
    header = markdown(outputs.report()).splitlines()[2]
    assert header == "| model | trainer | selection | U | H | oracle H_cal | n | time |"
    assert "60.0 (1)" in markdown(outputs.report())


def test_missing_values_are_counted_not_hidden(outputs):
    outputs.add(40.0, 0)
    outputs.add(42.0, 1)
    outputs.add(None, 2, metrics={"test/U": 20.0, "test/H": float("nan")})
    (row,) = rows_of(outputs.report())
    assert (row.cells["test/H"].n, row.cells["test/U"].n) == (2, 3)
    assert "41.0 ± 1.4 (2)" in markdown(outputs.report())


def test_pooling_is_done_on_request_and_said(outputs):
    outputs.add(40.0, 0, config={"latent_dim": 8})
    outputs.add(44.0, 0, config={"latent_dim": 16})
    outputs.add(44.0, 0, config={"latent_dim": 16})
    report = outputs.report(by=["model"])
    (row,) = rows_of(report)
    assert (row.cells["test/H"].mean, row.cells["test/H"].n) == (42.0, 2)
    assert "pools 2 configurations" in report.notes[0]
    assert "was run more than once" in report.notes[1]
    split = outputs.report(by=["model", "model.latent_dim"])
    assert [row.cells["test/H"].mean for row in rows_of(split)] == [44.0, 40.0]
    with pytest.raises(RunError, match="--by nonsense: expected one of model, trainer"):
        outputs.report(by=["nonsense"])


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


def test_published_figures_are_compared_on_equal_features_only(outputs):
    directory = outputs.add(40.0)
    reference = {"source": "Paper, table 2", "feature_kind": "fc1000", "metrics": {"test/H": 42.5}}
    (directory / "config.yaml").write_text(json.dumps({"reference": reference}))
    assert "H -2.5 from 42.5 (Paper, table 2)" in markdown(outputs.report())
    reference["feature_kind"] = "res101"
    (directory / "config.yaml").write_text(json.dumps({"reference": reference}))
    assert "42.5" not in markdown(outputs.report())


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


def test_csv_has_full_precision(outputs):
    for seed, h in enumerate([100 / 3, 200 / 7]):
        outputs.add(h, seed)
    (line,) = csv.DictReader(io.StringIO(as_csv(outputs.report())))
    assert float(line["H mean"]) == (100 / 3 + 200 / 7) / 2
    assert (line["seeds"], line["setting"], line["semantics"]) == ("0 1", "inductive, uniform class prior", "att")


def test_latex_is_escaped_and_balanced(outputs):
    outputs.add(40.0, 0, model="a_b", trainer="50%")
    outputs.add(42.0, 1, model="a_b", trainer="50%")
    outputs.add(50.0, 0, model="c&d")
    text = latex(outputs.report())
    assert r"a\_b & 50\%" in text
    assert r"41.0 $\pm$ 1.4" in text
    assert r"\textbf{50.0}" in text
    lines = [line for line in text.splitlines() if line.endswith(r"\\")]
    assert len({len(re.findall(r"(?<!\\)&", line)) for line in lines}) == 1
    columns = re.search(r"\\begin\{tabular\}\{(\w+)\}", text)[1]
    assert len(columns) == len(re.findall(r"(?<!\\)&", lines[0])) + 1


def test_a_section_is_replaced_and_the_rest_kept(tmp_path):
    path = tmp_path / "results.md"
    head, other = b"# T\r\n\n", b"tail\n<!-- zsl-report:b -->\n<!-- /zsl-report:b -->"
    path.write_bytes(head + b"<!-- zsl-report:a -->\nold\n<!-- /zsl-report:a -->\n" + other)
    replace_section(path, "a", "new\n")
    once = path.read_bytes()
    assert once == head + b"<!-- zsl-report:a -->\n\nnew\n\n<!-- /zsl-report:a -->\n" + other
    replace_section(path, "a", "new\n")
    assert path.read_bytes() == once


@pytest.mark.parametrize(
    "text",
    [
        "nothing",
        "<!-- zsl-report:a -->",
        "<!-- /zsl-report:a --><!-- zsl-report:a -->",
        "<!-- zsl-report:a -->" * 2 + "<!-- /zsl-report:a -->",
    ],
)
def test_a_file_without_proper_markers_stays_as_it_is(tmp_path, text):
    path = tmp_path / "results.md"
    path.write_text(text)
    with pytest.raises(RunError, match="section a: expected the line <!-- zsl-report:a --> once"):
        replace_section(path, "a", "new")
    assert path.read_text() == text


def test_the_command(outputs, tmp_path, capsys):
    outputs.add(40.0)
    assert main([str(outputs.folder), "--metric", "H", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("model,trainer,dataset,features,semantics,split")
    path = tmp_path / "results.md"
    path.write_text("<!-- zsl-report:main --><!-- /zsl-report:main -->")
    assert main([str(outputs.folder), "--into", str(path), "--section", "main"]) == 0
    assert "| sgal | em |" in path.read_text()
    capsys.readouterr()
    assert main([str(tmp_path / "absent")]) == 2
    assert capsys.readouterr().err == f"zsl-report: {tmp_path / 'absent'}: no such folder of runs\n"
    with pytest.raises(SystemExit, match="2"):
        main([str(outputs.folder), "--into", str(path)])


def test_an_empty_folder_says_so(tmp_path, capsys):
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == "No complete run with these metrics.\n"


def test_the_same_folder_twice_counts_once(outputs):
    outputs.add(40.0)
    assert len(collect([outputs.folder, outputs.folder / "sgal"]).runs) == 1


def test_a_thousand_runs_take_seconds_and_no_torch(outputs):
    for seed in range(250):
        for model in ("a", "b", "c", "d"):
            outputs.add(40.0 + seed % 7, seed, model=model)
    program = (
        "import sys; from zsl_runner.report.cli import main; code = main(sys.argv[1:]); "
        "assert not {'torch', 'matplotlib', 'tensorboard', 'sklearn'} & sys.modules.keys(); sys.exit(code)"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", program, str(outputs.folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "| 250 |" in done.stdout
    assert time.perf_counter() - start < 15
