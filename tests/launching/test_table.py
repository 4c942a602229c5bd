"""The table of a sweep is made of files alone."""

import fcntl
from dataclasses import replace

import pytest

from zsl_runner.config.check import check
from zsl_runner.config.hashes import config_hash
from zsl_runner.config.typed import plain, to_yaml
from zsl_runner.runs.repeated import find
from zsl_runner.runs.result import Result
from zsl_runner.sweeps.notes import Note, Plan, read_note, read_notes
from zsl_runner.sweeps.table import outcome


def record(directory, status, **more):
    directory.mkdir(parents=True)
    selection = {"metric": "val/H"}
    validation = {"val/H": 61.25, "val/U": 50.0} if status == "complete" else {}
    cost = {"wall_seconds": 75.0} if status == "complete" else {}
    result = Result(status, "m", "d", "t", 0, "hash", selection=selection, validation=validation, cost=cost, **more)
    result.save(directory)
    return directory


@pytest.fixture
def sweep(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "outputs" / ".sweeps" / "now"
    Plan("zsl-run -m ...", ["seed"], 7).save(folder)
    return folder


def test_every_job_says_what_became_of_it(sweep, tmp_path):
    error = {"type": "DataError", "message": "no such class"}
    Note(0, ["seed=0"], str(record(tmp_path / "r0", "complete"))).save(sweep)
    Note(1, ["seed=1"], str(record(tmp_path / "r1", "complete")), was_complete=True).save(sweep)
    Note(2, ["seed=2"], str(record(tmp_path / "r2", "failed", error=error)), error="DataError: no such class").save(
        sweep
    )
    Note(3, ["seed=3"], str(record(tmp_path / "r3", "running"))).save(sweep)
    Note(4, ["seed=4"], str(record(tmp_path / "r4", "running"))).save(sweep)
    Note(5, ["seed=5", "dataset=toy"], error="ConfigError: no device").save(sweep)
    with (tmp_path / "r3" / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        text, complete = outcome(sweep, [])
    lines = text.splitlines()
    assert complete is False
    assert lines[1:8] == [
        "0    r0      complete                        val/H 61.2  1:15",
        "1    r1      complete before                 val/H 61.2  1:15",
        "2    r2      failed",
        "3    r3      still running",
        "4    r4      cut short: its process is gone",
        "5    seed=5  failed",
        "6            not started, or still waiting",
    ]
    assert "job 2: DataError: no such class; see r2/error.txt" in lines
    assert "job 5: ConfigError: no device" in lines
    assert (
        "2 of 7 runs complete; 2 failed; 1 still running; 1 cut short: its process is gone; "
        "1 not started, or still waiting" in lines
    )


def test_a_sweep_without_trouble(sweep, tmp_path):
    for number in range(7):
        Note(number, [], str(record(tmp_path / f"r{number}", "complete"))).save(sweep)
    text, complete = outcome(sweep, ["val/U", "val/H"])
    assert complete is True
    assert "val/U 50.0, val/H 61.2" in text
    assert text.splitlines()[-1] == "7 of 7 runs complete"


def test_a_run_that_another_sweep_completed_is_complete(sweep, tmp_path):
    Plan(jobs=2).save(sweep)
    run = str(record(tmp_path / "r", "complete"))
    Note(0, [], run, error="OccupiedError: r: another process is working on this run").save(sweep)
    Note(1, [], run, error="ObjectiveError: objectives: val/X was not", lacks_objective=True).save(sweep)
    text, complete = outcome(sweep, [])
    assert complete is False
    assert text.splitlines()[1:] == [
        "0    r    complete                         val/H 61.2  1:15",
        "1    r    complete, without its objective  val/H 61.2  1:15",
        "job 1: ObjectiveError: objectives: val/X was not",
        "1 of 2 runs complete; 1 failed",
        "Repeat the command to continue unfinished runs; with existing=retry it continues failed ones, too.",
    ]


def test_notes_are_read_in_the_order_of_the_jobs(tmp_path):
    for number in (10, 2, 10000):
        Note(number, [f"seed={number}"]).save(tmp_path)
    assert [note.number for note in read_notes(tmp_path)] == [2, 10, 10000]
    assert read_note(tmp_path, 10) == Note(10, ["seed=10"])
    assert read_note(tmp_path, 3) is None
    Plan("again", [], 1).save(tmp_path)
    assert read_notes(tmp_path) == []


@pytest.fixture
def earlier(loader, tmp_path):
    """Return what makes a run of a configuration, and the configuration."""

    def make(slug, *arguments, status="complete"):
        config = check(loader, ["dataset=toy", f"outputs={tmp_path}/o", *arguments], strictly=False).config
        directory = tmp_path / "o" / config.model.name / "toy" / slug
        directory.mkdir(parents=True)
        (directory / "config.yaml").write_text(to_yaml(config))
        result = Result(status, "m", "d", "t", config.seed, config_hash(plain(config)), data={"files": []})
        result.save(directory)
        return config, directory

    return make


def test_a_run_is_known_by_configuration_and_seed(earlier, loader, tmp_path):
    config, directory = earlier("a", "model=eszsl", "seed=1")
    assert find(config).directory == directory
    for change in ("seed=2", "model.feature_penalty=3", "evaluator.oracle=true", "name=other", "model=ridge_prototype"):
        arguments = ["dataset=toy", f"outputs={tmp_path}/o", "model=eszsl", "seed=1", change]
        assert find(check(loader, arguments, strictly=False).config) is None
    bookkeeping = ["tracker=minimal", "runtime.threads=2", "existing=retry"]
    same = check(
        loader, ["dataset=toy", f"outputs={tmp_path}/o", "model=eszsl", "seed=1", *bookkeeping], strictly=False
    )
    assert find(same.config).directory == directory


def test_a_run_that_ends_while_it_is_looked_for_is_complete(earlier, monkeypatch):
    config, directory = earlier("a", "model=eszsl", status="running")

    def ends(_):
        replace(Result.load(directory), status="complete").save(directory)
        return False

    monkeypatch.setattr("zsl_runner.runs.repeated.is_held", ends)
    assert find(config).state == "complete"


def test_the_best_of_several_is_taken_and_damage_passed_over(earlier):
    config, _ = earlier("a", "model=eszsl", status="failed")
    assert find(config).state == "failed"
    _, unfinished = earlier("b", "model=eszsl", status="running")
    assert find(config).state == "unfinished"
    with (unfinished / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert find(config).state == "running"
    _, complete = earlier("c", "model=eszsl")
    assert find(config).directory == complete
    (complete / "result.json").write_text('{"status": "comp')
    assert find(config).directory == unfinished
