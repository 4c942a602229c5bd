"""Input that is nested or multiplied beyond all bounds: one message that names the file or the argument."""

import json
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from zsl_runner.config.bounds import DEEPEST, MOST, check_file, excess, is_deep, read_configuration
from zsl_runner.errors import RunError
from zsl_runner.report.collect import collect
from zsl_runner.runs.directory import folder_of
from zsl_runner.runs.repeated import find
from zsl_runner.runs.result import Result
from zsl_runner.sweeps.notes import Note, Plan, read_note, read_notes

DEEP = "[" * 100_000
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)
)
VALUES = st.recursive(
    st.one_of(st.integers(), st.text(max_size=5), st.none()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=3), inner, max_size=4)),
)


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\nseed: {}\nb: 2\n",
        "seed: {}\n",
        "a:\n  seed: 5\nseed: {}\n",
        "a: 'one\n\n\nseed: 7\n\n  two'\nseed: {}\n",
        "a: |\n  text\n  seed: 7\nb: {}\n",
        "seed: 0{}\n",
        "a: &x 3\nseed: {}\nb: *x\n",
        "seed: 1\nseed: {}\n",
    ],
)
def test_files_that_differ_in_the_seed_are_read_as_yaml_reads_them(tmp_path, text):
    for seed in (7, 11, 0, 10**17, 7):
        file = tmp_path / f"{seed}.yaml"
        file.write_text(text.format(seed))
        assert read_configuration(file) == yaml.safe_load(file.read_text())


@given(VALUES)
def test_what_people_write_is_within_the_bounds(value):
    assert excess(yaml.safe_dump(value)) == ""
    assert not is_deep(value)


@pytest.mark.parametrize("text", [DEEP, LAUGHS, "a: &a [*a]", "{a: " * 40 + "1" + "}" * 40])
def test_what_is_too_much(tmp_path, text):
    file = tmp_path / "config.yaml"
    file.write_text(text)
    with pytest.raises(RunError, match=r"config\.yaml: (nested deeper|more than)"):
        check_file(file)


@pytest.mark.parametrize(
    "argument",
    [
        ".".join(["a"] * 400) + "=1",
        "+model." + ".".join(["a"] * 400) + "=1",
        "name=" + "[" * 400 + "]" * 400,
        "+x=" + "{a:" * 400 + "1" + "}" * 400,
    ],
    ids=lambda argument: argument[:12],
)
def test_arguments(verdict, argument):
    (problem,) = verdict("dataset=toy", argument).problems
    assert problem.message.startswith("nested too deeply")
    assert argument.startswith(problem.key.removesuffix("..."))


def test_names_that_no_file_system_takes_are_unknown_options(problems):
    assert "no option" in problems("model=" + "a" * 300)["model"][0]
    assert "b" * 300 in problems("b" * 300 + "=1")


OVERLAYS = {
    "itself": ("defaults: [itself, _self_]", ["itself.yaml", "lead in a circle"]),
    "there": ("defaults: [back, _self_]", ["there.yaml", "back.yaml", "lead in a circle"]),
    "back": ("defaults: [there, _self_]", ["there.yaml", "back.yaml", "lead in a circle"]),
    "deep": (f"name: {'[' * 300}{']' * 300}", ["deep.yaml", f"nested deeper than {DEEPEST}"]),
    "laughs": (LAUGHS, ["laughs.yaml", f"more than {MOST} values"]),
}


@pytest.mark.parametrize("name", OVERLAYS)
def test_files(verdict, tmp_path, name):
    folder = tmp_path / "own" / "experiment"
    folder.mkdir(parents=True)
    for other, (text, _) in OVERLAYS.items():
        (folder / f"{other}.yaml").write_text(f"# @package _global_\n{text}\n")
    (problem,) = verdict("dataset=toy", f"experiment={name}", extra=tmp_path / "own", strictly=True).problems
    for expected in OVERLAYS[name][1]:
        assert expected in f"{problem.message} {problem.origin}"


@pytest.mark.parametrize("text", [DEEP, LAUGHS, "\x00", "[1]", "{", "null"])
def test_damaged_neighbours_stop_no_run_and_no_table(verdict, tmp_path, text):
    config = verdict("dataset=toy", "model=eszsl").config
    folder = folder_of(Path(config.outputs), config.model.name, config.dataset.name)
    for name in ("record", "config"):
        (folder / name).mkdir(parents=True)
        Result("running", "eszsl", "toy", "closed_form", 0, "hash").save(folder / name)
        (folder / name / "config.yaml").write_text("seed: 0\n")
    (folder / "record" / "result.json").write_text(text)
    (folder / "config" / "config.yaml").write_text(text)
    assert find(config) is None
    findings = collect([Path(config.outputs)])
    assert findings.runs == []
    assert str(folder / "config" / "config.yaml") in findings.unreadable[0]
    assert str(folder / "record" / "result.json") in findings.unreadable[1]
    (problem,) = verdict(f"resume={folder / 'config'}").problems[:1]
    assert "config.yaml" in problem.message or text in ("[1]", "null")


@pytest.mark.parametrize("text", [DEEP, "\x00", "[1]", "{", '{"unknown": 1}'])
def test_damaged_notes_of_a_sweep_are_passed_over(tmp_path, text):
    Plan("zsl-run", ["seed"], 2).save(tmp_path)
    Note(0, ["seed=0"]).save(tmp_path)
    (tmp_path / "job-0001.json").write_text(text)
    assert [note.number for note in read_notes(tmp_path)] == [0]
    assert read_note(tmp_path, 1) is None
    (tmp_path / "sweep.json").write_text(text)
    assert Plan.load(tmp_path) == Plan()
    (tmp_path / "sweep.json").write_text(json.dumps({"command": "x", "swept": [], "jobs": 3}))
    assert Plan.load(tmp_path).jobs == 3
