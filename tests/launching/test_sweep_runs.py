"""Sweeps through the command: every job tells what became of it, and the same sweep again does what is left."""

import json
import time
from concurrent.futures.process import BrokenProcessPool

import pytest

from tests.launching.conftest import FAST, TRAINED
from zsl_runner.errors import RunError
from zsl_runner.sweeps import command


def table(done):
    """The lines of the table at the end, by job."""
    lines = done.stdout[done.stdout.index("\njob  run") :].splitlines()
    return {line.split()[0]: line for line in lines if line[:1].isdigit() and " of " not in line}


def numbers(record):
    return record.metrics, record.validation, record.selection


def test_a_failing_job_never_hides_the_others(zsl_run, records):
    arguments = ["-m", *TRAINED, "trainer.optim.lr=1e30,1e-3"]
    done = zsl_run(*arguments, code=1)
    lines = table(done)
    assert len(lines) == 2
    found = records()
    assert [found[name].status for name in sorted(found)] == ["complete", "failed"]
    assert {record.study for record in found.values()} == {""}  # no search's
    assert "complete  val/H " in lines["1"]
    assert "sgal/toy/t+lr-0.001" in lines["1"]
    assert "failed" in lines["0"]
    assert "NonFiniteError" in (found["sgal/toy/t+lr-1e+30"].directory / "error.txt").read_text()
    assert "job 0: NonFiniteError" in done.stdout
    assert "1 of 2 runs complete; 1 failed" in done.stdout

    again = table(zsl_run(*arguments, code=1))
    assert ["complete before" in again[number] for number in "01"] == [False, True]
    assert records().keys() == found.keys()
    assert [record.finished for record in records().values()] == [record.finished for record in found.values()]

    time.sleep(1.1)  # result.json counts seconds
    zsl_run(*arguments, "existing=retry", code=1)
    retried = records()
    assert retried.keys() == found.keys()
    for name, record in found.items():
        assert (retried[name].finished != record.finished) is (record.status == "failed")


def test_a_sweep_killed_in_the_middle_goes_on_where_it_was(zsl_run, launch, records, tmp_path):
    arguments = ["-m", *TRAINED, "seed=0,1,2"]
    zsl_run("-m", *TRAINED, "seed=1,2", "outputs=straight")  # the first job ends before the kill
    process, _ = launch(tmp_path, *arguments)
    second = tmp_path / "outputs/sgal/toy/t+seed-1"
    deadline = time.monotonic() + 120
    while not list(second.glob("checkpoints/step-*25.pt")) and time.monotonic() < deadline:
        time.sleep(0.001)
    process.kill()
    process.join()
    assert [record.status for record in records().values()] == ["complete", "running"]
    kept = max(file.name for file in second.glob("checkpoints/step-*.pt"))

    lines = table(zsl_run(*arguments))
    assert [
        words in lines[number]
        for number, words in enumerate(("complete before", "complete", "complete"))
        for number in [str(number)]
    ] == [True] * 3
    straight = records("straight")
    found = records()
    assert found.keys() == {"sgal/toy/t+seed-0", *straight}
    for name, record in straight.items():
        assert numbers(found[name]) == numbers(record)
    resumed_rows = (second / "metrics.csv").read_text().splitlines()
    assert len(resumed_rows) == len((tmp_path / "straight/sgal/toy/t+seed-1/metrics.csv").read_text().splitlines())
    assert int(kept.split("-")[1].split(".")[0]) >= 25


@pytest.mark.slow
def test_existing_runs_on_request(zsl_run, records):
    zsl_run(*FAST)
    assert "complete already" in zsl_run(*FAST, "existing=keep").stdout
    zsl_run(*FAST)  # on its own a command starts a run
    zsl_run("-m", *FAST, "seed=0", "existing=new")
    zsl_run("-m", *FAST, "seed=0", "name=mine")  # a name of its own asks for runs of its own
    zsl_run("-m", *FAST, "seed=0", "evaluator.oracle=true")  # the others have no oracle metrics
    found = records()
    assert sorted(found) == [
        f"eszsl/toy/{name}" for name in ("mine+seed-0", "seed-0", "seed-0.2", "seed-0.3", "seed-0.4")
    ]
    assert [any(tag.startswith("oracle/") for tag in found[name].metrics) for name in sorted(found)] == [False] * 4 + [
        True
    ]


@pytest.mark.parametrize(
    ("named", "mark", "expected"),
    [
        ([], "", ["feature_penalty-1+seed-0", "feature_penalty-2+seed-0"]),
        (["name=n"], "", ["n+feature_penalty-1+seed-0"]),
        (["name=n"], "++", ["n+feature_penalty-1", "n+feature_penalty-1.5"]),
    ],
)
def test_directories_tell_what_was_varied(zsl_run, records, named, mark, expected):
    values = "1,2" if not named else "1,1.5"
    zsl_run("-m", *FAST, *named, f"{mark}model.feature_penalty={values}", *([] if mark else ["seed=0"]))
    assert [f"eszsl/toy/{name}" in records() for name in expected] == [True] * len(expected)


def test_the_last_word_of_a_sweep_is_its_files(zsl_run, tmp_path):
    zsl_run("-m", *FAST, "seed=0,1")
    (sweep,) = (tmp_path / "outputs/.sweeps").iterdir()
    plan = json.loads((sweep / "sweep.json").read_text())
    assert plan["swept"] == ["seed"]
    assert plan["jobs"] == 2
    assert plan["command"].startswith("zsl-run -m dataset=toy")


def test_a_killed_worker_is_no_bug_and_the_command_says_how_to_go_on(tmp_path, monkeypatch, capsys):
    def killed(*_):
        raise BrokenProcessPool("A worker process was terminated")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "_started", killed)
    with pytest.raises(RunError, match=r"a process of the launcher was killed, .* repeat the command to go on"):
        command.perform(["-m", *FAST, "seed=0,1"])
    assert "2 not started" in capsys.readouterr().out  # the table stands above the message
