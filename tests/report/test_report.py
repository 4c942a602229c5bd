import csv
import errno
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.outputs import LIKELIHOOD, NATS, PAIRS, REAL
from zsl_runner.config.quoting import again
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.files.locks import exclusive
from zsl_runner.report.cli import main
from zsl_runner.report.collect import collect
from zsl_runner.report.formats import as_csv, latex, markdown
from zsl_runner.report.section import replace_section


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


def test_settings_of_a_search_are_shown_in_few_digits_and_found_by_them(outputs):
    for place, weight in enumerate((0.0025684381317512338, 0.0081234567)):
        outputs.add(40.0 + place, config={"weight": weight, "latent_dim": 8})
    assert "| weight=0.002568 |" in markdown(outputs.report())
    settings = [line["varied"] for line in csv.DictReader(io.StringIO(as_csv(outputs.report())))]
    assert sorted(settings) == ["weight=0.0025684381317512338", "weight=0.0081234567"]
    for name in ("sgal,weight=0.002568", "sgal,weight=0.0025684381317512338"):
        assert "| +1.0 |" in markdown(outputs.report(metrics=["H"], baseline=name))


def test_units_are_those_of_the_blocks_that_have_the_metric(outputs):
    outputs.add(40.0)
    outputs.add_likelihood(60.0)
    text = markdown(outputs.report(metrics=["NCLL", "H"]))
    assert "H in per cent; NCLL in nats (lower is better), mean" in text


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


def test_tables_of_other_files_are_told_apart_by_their_checksums_alone(outputs):
    outputs.add(40.0, data=REAL | {"files": [{"sha256": "a" * 64}, {"sha256": "b" * 64}]})
    assert "Checksums" not in markdown(outputs.report())
    outputs.add(50.0, data=REAL | {"files": [{"sha256": "a" * 64}, {"sha256": "c" * 64}]})
    report = outputs.report()
    assert [len(block.rows) for block in report.blocks] == [1, 1]
    text = markdown(report)
    assert "**50.0**" not in text
    assert f"Checksums: {'a' * 12}+{'b' * 12}." in text
    assert f"Checksums: {'a' * 12}+{'c' * 12}." in text
    assert f"data: {'a' * 12}+{'c' * 12}" in latex(report)


@pytest.mark.parametrize("files", [None, [], [{"path": "a"}], [{"sha256": None}]])
def test_results_without_checksums_stay_readable(outputs, files):
    outputs.add(40.0, data=REAL | {"files": files})
    outputs.add(42.0, seed=1, data=REAL | {"files": files})
    (row,) = rows_of(outputs.report())
    assert row.cells["test/H"].n == 2


def test_folders_that_cannot_be_read_are_said_and_left_out(outputs, monkeypatch):
    outputs.add(40.0)
    locked = outputs.add(90.0, model="vzsl").parent
    scan = os.scandir

    def refusing(path):
        if str(path) == str(locked):
            raise PermissionError(13, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refusing)
    report = outputs.report()
    assert [row.cells["test/H"].mean for row in rows_of(report)] == [40.0]
    assert report.notes == [f"unreadable: {locked}: cannot be read: Permission denied; runs in it are left out"]


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
    assert report.notes[1] == f"interrupted: {stopped} (seed 2); continue with: {again(stopped)}"
    assert report.notes[2] == f"cut short: {running} (seed 3); continue with: {again(running)}"
    with exclusive(running):
        assert outputs.report().notes[2] == f"running: {running} (seed 3)"
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
    assert "same metrics" in report.notes[0]
    assert "DIFFERENT METRICS" in report.notes[1]


def test_oracle_metrics_stand_in_columns_of_their_own(outputs):
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


def test_rows_that_pool_alike_share_a_note(outputs):
    for trainer in ("em", "em_control"):
        for latent_dim in (8, 16):
            outputs.add(40.0, latent_dim, trainer=trainer, config={"latent_dim": latent_dim})
    (note,) = outputs.report(by=["model", "trainer"]).notes
    assert note.startswith("sgal/em, sgal/em_control on ")
    assert note.endswith(": each row pools 2 configurations, on request (--by)")


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
    assert [row.cells["test/H"].mean for row in rows_of(split)] == [40.0, 44.0]
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


def test_published_results_are_compared_on_equal_features_only(outputs):
    directory = outputs.add(40.0)
    reference = {"source": "Paper, table 2", "feature_kind": "fc1000", "metrics": {"test/H": 42.5}}
    (directory / "config.yaml").write_text(json.dumps({"reference": reference}))
    assert "H -2.5 from 42.5 (Paper, table 2)" in markdown(outputs.report())
    reference["feature_kind"] = "res101"
    (directory / "config.yaml").write_text(json.dumps({"reference": reference}))
    assert "42.5" not in markdown(outputs.report())


def test_a_row_that_pools_experiments_is_beside_no_published_result_of_one_of_them(outputs):
    for model, published in (("sgal", 42.5), ("vzsl", 50.0)):
        directory = outputs.add(40.0, model=model)
        reference = {"source": f"Paper of {model}", "feature_kind": "fc1000", "metrics": {"test/H": published}}
        (directory / "config.yaml").write_text(json.dumps({"reference": reference}))
    assert [row.deviation for row in rows_of(outputs.report())] == [
        "H -2.5 from 42.5 (Paper of sgal)",
        "H -10.0 from 50.0 (Paper of vzsl)",
    ]
    pooled = outputs.report(by=["dataset"], reference=True)
    (row,) = rows_of(pooled)
    assert (row.cells["test/H"].n, row.deviation) == (2, "")
    assert any(note.endswith("; NOT compared: other runs of the row quote other results") for note in pooled.notes)


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
    assert (line["seeds"], line["setting"], line["semantics"]) == ("0 1", "inductive", "att")


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


def test_a_linked_file_is_written_itself_and_keeps_its_permissions(tmp_path):
    page, link = tmp_path / "real.md", tmp_path / "link.md"
    page.write_text("<!-- zsl-report:a -->\nold\n<!-- /zsl-report:a -->\n")
    page.chmod(0o600)
    link.symlink_to(page.name)
    replace_section(link, "a", "new")
    assert link.is_symlink()
    assert "new" in page.read_text()
    assert page.stat().st_mode & 0o777 == 0o600


def test_what_cannot_be_replaced_is_refused_before_it_is_read(tmp_path, monkeypatch):
    page = tmp_path / "page.md"
    page.write_text("<!-- zsl-report:a -->\n<!-- /zsl-report:a -->\n")
    with pytest.raises(ConfigError, match="expected a file, found a folder"):
        replace_section(tmp_path, "a", "new")
    with pytest.raises(ConfigError, match="/dev/null: expected a file, found what is no file"):
        replace_section(Path("/dev/null"), "a", "new")  # others of its kind end never
    for closed, reason in ((page, "the file is not writable"), (tmp_path, f"{tmp_path.name} is not writable")):
        with monkeypatch.context() as patch:
            patch.setattr("os.access", lambda place, _mode, closed=closed: place != closed)
            with pytest.raises(ConfigError, match=reason):
                replace_section(page, "a", "new")


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


def full(_):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_the_command(outputs, tmp_path, capsys, monkeypatch):
    outputs.add(40.0)
    assert main([str(outputs.folder), "--metric", "H", "--format", "csv"]) == 0
    assert capsys.readouterr().out.splitlines()[0].startswith("model,trainer,dataset,features,semantics,split")
    printed = []
    for asked in (
        ["--metric", "H,U", "--by", "model,seed"],
        ["--metric", "H", "--metric", "U", "--by", "model", "--by", "seed"],
    ):
        assert main([str(outputs.folder), *asked, "--format", "csv"]) == 0
        printed.append(capsys.readouterr().out)
    assert printed[0] == printed[1]
    assert printed[0].count("40.0") == 1
    path = tmp_path / "results.md"
    path.write_text("<!-- zsl-report:main --><!-- /zsl-report:main -->")
    assert main([str(outputs.folder), "--into", str(path), "--section", "main"]) == 0
    assert "| sgal | em |" in path.read_text()
    capsys.readouterr()
    assert main([str(tmp_path / "absent")]) == 2
    assert capsys.readouterr().err == f"zsl-report: {tmp_path / 'absent'}: no such folder of runs\n"
    with pytest.raises(SystemExit, match="2"):
        main([str(outputs.folder), "--into", str(path)])
    for where in (["--into", str(tmp_path / "absent.md"), "--section", "main"], ["--where", "nonsense=1"]):
        assert main([str(outputs.folder), *where]) == 2
    monkeypatch.setattr("os.fsync", full)
    assert main([str(outputs.folder), "--into", str(path), "--section", "main"]) == 1
    assert "results.md: cannot be written: No space left on device" in capsys.readouterr().err


def test_an_empty_folder_says_so(tmp_path, capsys):
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr() == ("No complete run with these metrics.\n", "")


def test_conditions_that_no_run_meets_are_named(outputs, capsys):
    outputs.add(40.0)
    assert main([str(outputs.folder), "--where", "model=sgla", "--where", "seed<3"]) == 0
    assert capsys.readouterr().err == "zsl-report: none of 1 runs meets --where model=sgla --where seed<3\n"
    assert main([str(outputs.folder), "--where", "seed<3"]) == 0
    assert capsys.readouterr().err == ""


def test_the_same_folder_twice_counts_once(outputs):
    outputs.add(40.0)
    assert len(collect([outputs.folder, outputs.folder / "sgal"]).runs) == 1


def test_a_thousand_runs_need_no_torch(outputs):
    for seed in range(250):
        for model in ("a", "b", "c", "d"):
            outputs.add(40.0 + seed % 7, seed, model=model)
    program = (
        "import sys; from zsl_runner.report.cli import main; code = main(sys.argv[1:]); "
        "assert not {'torch', 'matplotlib', 'tensorboard', 'sklearn'} & sys.modules.keys(); sys.exit(code)"
    )
    done = subprocess.run([sys.executable, "-c", program, str(outputs.folder)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "| 250 |" in done.stdout


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


def test_differences_have_the_decimals_of_their_quantity(outputs):
    for seed, (ours, theirs) in enumerate([(60.0, 61.125), (62.0, 63.375)]):
        outputs.add_likelihood(ours, seed, model="cvae")
        outputs.add_likelihood(theirs, seed, model="baseline_nn")
    text = markdown(outputs.report(metrics=["NCLL"], baseline="baseline_nn"))
    assert "| **61.00 ± 1.41** | -1.25 ± 0.18 | n < 5 | 2 |" in text


def test_published_likelihoods_are_compared_with_their_decimals(outputs):
    directory = outputs.add_likelihood(64.0)
    reference = {"source": "Paper", "feature_kind": PAIRS["feature_kind"], "metrics": {"test/NCLL_IS": 63.91}}
    (directory / "config.yaml").write_text(json.dumps({"reference": reference}))
    assert "NCLL_IS +0.09 from 63.91 (Paper)" in markdown(outputs.report())


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


def test_a_csv_column_is_of_one_unit(outputs):
    outputs.add(40.0, metrics={"test/accuracy": 40.0, "test/spread": 1.0})
    outputs.add_likelihood(60.0, metrics={"test/accuracy": 90.0, "test/spread": 2.0}, quantities={"spread": NATS})
    cub, mnist = csv.DictReader(io.StringIO(as_csv(outputs.report())))
    columns = ("accuracy mean", "spread mean", "spread [nats] mean")
    assert [cub[name] for name in columns] == ["40.0", "1.0", ""]
    assert [mnist[name] for name in columns] == ["90.0", "", "2.0"]
    assert (cub["spread n"], mnist["spread n"]) == ("1", "0")


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


MIXED = """\
**cub**, inductive. Features: fc1000. Side information: att. Split: PS1.

| model | trainer | selection | U | H | n | time |
| --- | --- | --- | ---: | ---: | ---: | ---: |
| sgal | em | last | 20.5 ± 0.7 | 41.0 ± 1.4 | 2 | 1:00 |

**mnist_quadrant**, supervised. Data: 28 x 28 grey, 1 quadrant observed. Split: own.

| model | trainer | selection | NCLL | NCLL_MC | accuracy | n | time |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: |
| baseline_nn | em | last | 100.03 | 102.03 | 80.0 | 1 | 1:00 |
| cvae | em | last | **63.75 ± 0.35** | **65.75 ± 0.35** | **83.6 ± 0.0** | 2 | 1:00 |

U, H, accuracy in per cent; NCLL, NCLL_MC in nats (lower is better), mean ± standard deviation over seeds (n - 1);\
 n = number of seeds; best mean in bold.
"""


def likelihoods(ncll):
    return {"test/NCLL": ncll, "test/NCLL_se": 0.5, "test/NCLL_MC": ncll + 2, "test/accuracy": 90 - ncll / 10}


def test_a_report_over_different_kinds_of_data(outputs):
    for seed in (0, 1):
        outputs.add(40.0 + 2 * seed, seed)
        outputs.add_likelihood(63.5 + seed / 2, seed, metrics=likelihoods(63.5 + seed / 2))
    outputs.add_likelihood(100.03, model="baseline_nn", metrics=likelihoods(100.03))
    assert markdown(outputs.report()) == MIXED


@pytest.mark.parametrize(
    "kind",
    [
        "semi-supervised, 100 labels",
        "unsupervised",
        "continual, 5 tasks",
        "weakly supervised, tags",
        "fully supervised, training masks",
    ],
)
def test_classes_of_images_are_no_side_information(outputs, kind):
    outputs.add_likelihood(60.0, data=PAIRS | {"semantics": "10 classes"}, setting={"kind": kind})
    assert f"{kind}. Data: 28 x 28 grey, 1 quadrant observed. Labels: 10 classes. Split: own." in (
        markdown(outputs.report())
    )


@pytest.mark.parametrize("task_setting", ["dynamic", "static"])
def test_class_vectors_of_tasks_are_side_information(outputs, task_setting):
    kind = f"continual, 10 tasks, {task_setting}"
    outputs.add(40.0, setting={"kind": kind})
    assert f"{kind}. Features: fc1000. Side information: att. Split: PS1." in markdown(outputs.report())


def test_outputs_of_supervised_data_are_named(outputs):
    outputs.add_likelihood(60.0, data=PAIRS | {"semantics": "2 classes: background, bird"})
    assert "supervised. Data: 28 x 28 grey, 1 quadrant observed. Outputs: 2 classes: background, bird. Split: own." in (
        markdown(outputs.report())
    )
    outputs.add_likelihood(60.0, model="other")
    assert "features: 28 x 28 grey, 1 quadrant observed, split: own" in latex(outputs.report())


def test_one_unit_is_said_once(outputs):
    outputs.add_likelihood(60.0)
    closing = markdown(outputs.report(metrics=["NCLL"])).splitlines()[-1]
    assert closing.startswith("Nats (lower is better), mean ± standard deviation")
