"""Reports over folders of damaged runs: each is named and left out, and nothing is raised."""

import json
import re
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.data.damage import damaged, times
from tests.outputs import Outputs
from zsl_runner.report.cli import main
from zsl_runner.report.collect import collect
from zsl_runner.report.formats import as_csv, latex, markdown
from zsl_runner.report.section import replace_section
from zsl_runner.report.table import build
from zsl_runner.tracking.table import read

METRICS = "step,stage,phase,tag,value\n" + "".join(
    f"{step},tune,em,{tag},{value}\n" for step in (10, 20, 30) for tag, value in (("val/H", 30.5 + step), ("loss", 2.5))
)

ODD = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**30), 10**30)
    | st.floats()
    | st.sampled_from(
        ["NaN", "1e5", "", "a|b", "line\nend", "<!-- zsl-report:x -->", "\x00", "é", "``", "$x$", 10**400]
    )
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def changed(record, data):
    """Return a record with a few of its values, at any depth, replaced by something odd."""
    record = json.loads(json.dumps(record))
    for _ in range(data.draw(st.integers(1, 3))):
        table = record
        while True:
            key = data.draw(st.sampled_from(sorted(table)))
            if not isinstance(table[key], dict) or not table[key] or data.draw(st.booleans()):
                break
            table = table[key]
        table[key] = data.draw(ODD)
    return json.dumps(record)


def written(directory, data):
    """Damage one of the files of a run."""
    name = data.draw(st.sampled_from(["result.json", "config.yaml", "metrics.csv"]))
    path = directory / name
    if name == "result.json" and data.draw(st.booleans()):
        path.write_text(changed(json.loads(path.read_text()), data))
    else:
        path.write_bytes(damaged(path.read_bytes(), data))


def fuzzed(tmp_path, capsys, examples, runs, plots):
    outputs = Outputs(tmp_path / "sound")
    for seed in range(3):
        outputs.add(40.0 + seed, seed, config={"latent_dim": 8 + seed // 2}, validation={"val/H": 1.5})
    for path in outputs.folder.rglob("result.json"):
        path.with_name("metrics.csv").write_text(METRICS)
    folder = tmp_path / "damaged"

    @times(examples)
    @given(st.data())
    def check(data):
        shutil.rmtree(folder, ignore_errors=True)
        count = 0
        for number in range(runs):
            copy = folder / str(number)
            shutil.copytree(outputs.folder, copy)
            for path in sorted(copy.rglob("result.json")):
                written(path.parent, data)
                count += 1
        findings = collect([folder])
        assert len(findings.runs) + len(findings.unreadable) == count
        for baseline in (None, "sgal"):
            assert main([str(folder), *(["--baseline", baseline] if baseline else [])]) in (0, 2)
        assert not plots or main([str(folder), "--plot", str(tmp_path / "figures")]) in (0, 2)
        capsys.readouterr()

    check()


@pytest.mark.filterwarnings("ignore")
def test_damaged_runs_raise_nothing(tmp_path, capsys):
    fuzzed(tmp_path, capsys, 10, 3, plots=False)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_many_damaged_runs_raise_nothing(tmp_path, capsys):
    fuzzed(tmp_path, capsys, 14, 5, plots=True)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"metrics": {"test/H": [1.0]}}, "metrics"),
        ({"metrics": {"test/H": "NaN"}}, "metrics"),
        ({"metrics": {"test/H": {"mean": 1.0}}}, "metrics"),
        ({"metrics": {"test/H": 10**400}}, "metrics"),
        ({"validation": {"val/H": True}}, "validation"),
        ({"status": "done"}, "status"),
        ({"seed": True}, "seed"),
        ({"cost": {"wall_seconds": -5.0}}, "cost: wall_seconds: expected numbers that are not negative, found -5.0"),
        ({"cost": {"gradient_steps": {"tune": "many"}}}, "cost: gradient_steps"),
        ({"cost": {"wall_seconds": 1e200}}, "cost: wall_seconds"),
        ({"quantities": {"H": {"unit": 3}}}, "quantities: H: expected unit, lower_is_better, digits, ranked"),
        ({"quantities": {"H": {"digits": 10**9}}}, "quantities: H"),
        ({"data": {"files": "all"}}, "data.files: expected a list of files, found 'all'"),
        ({"data": {"files": [1]}}, "data.files"),
        ({"error": {"type": 5}}, "error: type"),
    ],
)
def test_a_record_with_an_odd_value_is_named_and_left_out(outputs, changes, expected):
    sound = outputs.add(41.0)
    path = outputs.add(40.0, 1) / "result.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    findings = collect([outputs.folder])
    assert [run.directory for run in findings.runs] == [sound]
    (message,) = findings.unreadable
    assert message.startswith(f"{path}: {expected}")
    assert f"- unreadable: {path}" in markdown(build(findings))


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b"[1, 2]", b"a: [", b"\xff\xfe\x00", b"a: 2020-13-45", b"[" * 20_000, b"? [a]\n: 1", b"? {a: b}\n: 1"),
        b"a: &a [1]\n" + b"".join(b"%c: &%c [*%c, *%c]\n" % (c, c, c - 1, c - 1) for c in range(ord("b"), ord("z"))),
        b"a: !!python/object:os.system {}",
        b"a: \x00",
    ],
)
def test_a_damaged_configuration_is_named_and_its_run_left_out(outputs, content):
    sound = outputs.add(41.0)
    path = outputs.add(40.0, 1) / "config.yaml"
    path.write_bytes(content)
    findings = collect([outputs.folder])
    assert [run.directory for run in findings.runs] == [sound]
    (message,) = findings.unreadable
    assert message.startswith(f"{path}: expected a configuration, found a damaged one (")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (METRICS.replace("30,tune", "30\r,tune").encode(), "line"),
        (METRICS.replace("loss", "lo\x00ss").encode()[:-1] + b"\x00\n", "line"),
        (METRICS.encode() + b"40,tune,em," + b"x" * 200_000 + b",1\n", "field larger than field limit"),
        (METRICS.encode() + b"40,tune,em,lo\xffss,1\n", "expected text in UTF-8"),
        (METRICS.replace(",value", "").replace(",2.5", "").encode(), "line 1: expected step,stage,phase,tag,value"),
        (METRICS.replace("2.5", "good").encode(), "line 3: expected step,stage,phase,tag,value, found"),
        (METRICS.replace("10,", '"10,').encode(), "line"),
    ],
)
def test_a_damaged_table_is_named_and_its_run_left_out_of_the_curves(outputs, tmp_path, capsys, content, expected):
    for seed in range(2):
        directory = outputs.add(40.0 + seed, seed, validation={"val/H": 1.5})
        (directory / "metrics.csv").write_bytes(content if seed else METRICS.encode())
    assert main([str(outputs.folder), "--plot", str(tmp_path / "figures")]) == 0
    shown = capsys.readouterr()
    (line,) = shown.err.splitlines()
    assert line.startswith(f"left out of the curves: {directory / 'metrics.csv'}: ")
    assert expected in line
    assert "curves-sgal.png" in shown.out


def test_a_torn_last_line_is_no_damage(tmp_path):
    path = tmp_path / "metrics.csv"
    for torn in (b"40,tu", b"40,tune,em,los\xc3"):
        path.write_bytes(METRICS.encode() + torn)
        assert len(list(read(path))) == 6


ODD_NAMES = ("a|b", "`code", "line\nend", "*bold*", "<!-- zsl-report:main -->", "<!-- /zsl-report:main -->", "ελ", "\\")


def test_no_name_breaks_a_table_or_a_section(outputs, tmp_path):
    for name in ODD_NAMES:
        outputs.add(40.0, 0, dataset="cub", trainer=name, config={"width": name})
    outputs.add(1.0, 1, trainer="x", status="failed", error={"type": "E", "message": "<!-- /zsl-report:main -->|"})
    report = outputs.report()
    text = markdown(report)
    rows = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(rows) == len(ODD_NAMES) + 2
    assert {len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) for line in rows} == {len(rows[0].split("|")) - 1}
    assert "<!--" not in text
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- zsl-report:main -->\n<!-- /zsl-report:main -->\nafter\n")
    for content in (text, latex(report), as_csv(report), "<!-- /zsl-report:main --> <!-- zsl-report:other -->"):
        replace_section(page, "main", content)
        assert page.read_text().startswith("before\n<!-- zsl-report:main -->\n\n")
        assert page.read_text().endswith("\n\n<!-- /zsl-report:main -->\nafter\n")
    assert all(line.startswith("%") for line in latex(report).splitlines() if "failed:" in line)
