"""A few tries of every topic of `make torture`, and that its checks can fail."""

import os
import re
import shutil
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from scripts.torture import aims, children, comparing, configurations, data, hooks, loading
from scripts.torture.children import Done, Place
from scripts.torture.command import Work, main, numbers, tried
from scripts.torture.mutation import Mutation
from scripts.torture.setups import SETUPS
from scripts.torture.topics import TOPICS
from scripts.torture.verdict import Found, Skip, Topic
from zsl_runner.config.paths import conf_directory
from zsl_runner.runs.stage import StageRun
from zsl_runner.tracking.tracker import Tracker

LEAST = {"kills": 200, "configurations": 1000, "data": 350, "directories": 200, "disks": 60, "cases": 30}


def test_the_topics_are_those_that_the_page_names():
    page = (Path(__file__).resolve().parents[2] / "CONTRIBUTING.md").read_text()
    named = re.search(r"the topics are ([^.]+)\.", page)[1]
    assert re.findall(r"`(\w+)`", named) == list(TOPICS)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    children.load_everything()
    return tmp_path_factory.mktemp("torture")


def test_there_are_as_many_tries_as_were_promised():
    assert {name: topic.count for name, topic in TOPICS.items() if topic.count < LEAST[name]} == {}
    assert TOPICS.keys() == LEAST.keys()
    assert numbers(TOPICS["kills"], 0.1) == list(range(22))
    assert len(numbers(TOPICS["cases"], 0.1)) == 30  # a list is not shortened


def test_every_trainer_is_killed():
    assert SETUPS.keys() == {path.stem for path in (conf_directory() / "trainer").glob("*.yaml")}


def test_what_hooks_take_hold_of_is_there():
    assert callable(StageRun.test)
    assert callable(Tracker.advance)


@pytest.mark.parametrize(
    ("topic", "number"),
    [("configurations", 0), ("configurations", 2), ("configurations", 9), ("data", 3), ("data", 15), ("disks", 3)],
)
def test_a_try_is_made_and_judged(topic, number, folder):
    verdict, _ = tried(Work(topic, number, 0, folder))
    assert not verdict.is_finding, f"{verdict.what}: {verdict.why}"


@pytest.mark.slow
@pytest.mark.parametrize(("topic", "number"), [("kills", 8), ("kills", 26), ("directories", 1), ("cases", 29)])
def test_a_longer_try_is_made_and_judged(topic, number, folder):
    verdict, _ = tried(Work(topic, number, 0, folder))
    assert not verdict.is_finding, f"{verdict.what}: {verdict.why}"


def judged(monkeypatch, folder, attempt):
    monkeypatch.setitem(TOPICS, "kills", Topic("invented", 1, attempt))
    return tried(Work("kills", 0, 0, folder))[0]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Found("silent", "x"), "silent"),
        (Skip("x"), "skipped"),
        (ValueError("x"), "other"),
        (Found("lost", "x"), "lost"),
    ],
)
def test_what_a_try_raises_is_its_verdict(error, kind, monkeypatch, tmp_path):
    def attempt(number, draw, folder, shared):
        raise error

    assert judged(monkeypatch, tmp_path, attempt).kind == kind


def test_a_finding_is_kept_and_is_the_exit_code(monkeypatch, tmp_path, capsys):
    def attempt(number, draw, folder, shared):
        (folder / "input").write_text("x")
        raise Found("lost", "nothing was kept")

    monkeypatch.setitem(TOPICS, "kills", Topic("invented", 1, attempt))
    keep = tmp_path / "kept"
    assert main(["--only", "kills", "--jobs", "1", "--keep", str(keep), "--scratch", str(tmp_path)]) == 1
    assert "nothing was kept" in (keep / "kills-0-0000" / "FINDING.txt").read_text()
    assert (keep / "kills-0-0000" / "input").exists()
    (row,) = [line.split() for line in capsys.readouterr().out.splitlines() if line.startswith("kills   ")]
    assert row[:9] == ["kills", "1", "0", "0", "0", "1", "0", "0", "0"]


def test_a_traceback_is_seen_wherever_it_stands():
    assert Done("zsl-run", 1, "", "Traceback (most recent call last):").broke
    assert Done("zsl-run", 1, "", "KeyError: 1; the traceback is in error.txt").broke
    assert not Done("zsl-run", 2, "", "zsl-run: a clear word").broke


def test_a_child_that_hangs_is_a_finding(folder, tmp_path):
    with pytest.raises(Found, match="does not end"):
        Place(tmp_path).run("zsl-run", hook=lambda _: time.sleep(60), seconds=0.2)


def test_a_child_that_dies_while_it_loads_is_a_finding(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("zsl_runner.data.load.load", lambda conf: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(Found, match="exit -9"):
        loading.loaded(Place(tmp_path), "toy")


@pytest.fixture(scope="module")
def runs(folder):
    place = Place(folder / "two")
    for seed in (0, 1):
        done = place.run("zsl-run", *SETUPS["closed_form"], "tracker.figures=false", f"seed={seed}")
        assert done.code == 0, done.err
    return sorted(path.parent for path in place.home.glob("outputs/eszsl/toy/*/result.json"))


def test_equal_runs_are_equal_and_one_bit_is_a_difference(runs, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(runs[0], copy)
    comparing.require_same_end(runs[0], copy)
    newest = comparing.checkpoints(copy)[-1]
    content = torch.load(newest, weights_only=True)
    weights = next(value for value in content["state"]["parts"]["model"].values() if value.is_floating_point())
    weights.view(-1)[0] = torch.nextafter(weights.view(-1)[0], torch.tensor(9.0))
    torch.save(content, newest)
    with pytest.raises(Found, match="checkpoint differs"):
        comparing.require_same_end(runs[0], copy)


def test_a_row_that_stands_twice_is_a_difference(runs, tmp_path):
    copy = tmp_path / "copy"
    shutil.copytree(runs[0], copy)
    rows = (copy / "metrics.csv").read_text().splitlines(keepends=True)
    (copy / "metrics.csv").write_text("".join([*rows, rows[-1]]))
    with pytest.raises(Found, match=r"metrics\.csv"):
        comparing.require_same_end(runs[0], copy)


@pytest.mark.parametrize(
    ("text", "value", "means"),
    [
        ("3", 3, True),
        ("3", 4, False),
        ("1e-3", 0.001, True),
        ("true", 1.0, False),
        ("[1,2]", [1, 2], True),
        ("[1,2]", [1, 3], False),
        ("null", None, True),
        ("???", 1e-8, False),
        ("0x10", 16, True),
    ],
)
def test_a_value_means_what_it_says(text, value, means):
    assert configurations._means(text, value) is means


def test_data_that_are_taken_but_wrong_are_silent(folder, tmp_path, monkeypatch):
    entry = data.FORMATS["idx"]
    wrong = {"wrong": lambda draw, root: Mutation("nothing was done", ("x",))}  # to be refused, which it will not be
    monkeypatch.setitem(data.FORMATS, "idx", data.Format(entry.dataset, entry.options, entry.write, wrong))
    monkeypatch.setattr(data, "_KINDS", [("idx", "wrong")])
    (tmp_path / "shared").mkdir()
    with pytest.raises(Found) as found:
        data.attempt(0, np.random.default_rng(0), tmp_path, tmp_path / "shared")
    assert found.value.kind == "silent"


def test_permissions_count_without_privileges(folder, tmp_path):
    (tmp_path / "closed").write_text("x")
    (tmp_path / "closed").chmod(0)

    def reads(pipe):
        hooks.without_privileges(pipe)
        (tmp_path / "closed").read_text()

    done = Place(tmp_path / "place").run("zsl-run", hook=reads)
    assert "PermissionError" in done.err


def test_an_aim_announces_its_moment(folder, tmp_path):
    place = Place(tmp_path)
    child = place.start(
        "zsl-run", *SETUPS["closed_form"], "tracker.figures=false", hook=aims.announcing("renaming a checkpoint", 1)
    )
    assert child.moment(60)
    assert child.wait().code == 0
