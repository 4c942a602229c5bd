"""What `import zsl_runner` offers: light, the same as the commands, with one clear error for each mistake."""

import gc
import subprocess
import sys
import threading
import time
import warnings
import weakref

import pytest

import zsl_runner as zsl
from tests.small_runs import CLOSED, SMALL, cut_short, finished
from tests.weights import same
from zsl_runner import api
from zsl_runner.config.loader import Loader
from zsl_runner.errors import CheckpointError, ConfigError, RunError
from zsl_runner.runs.result import Result


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=120)


def test_the_package_and_its_functions_import_no_torch():
    script = "import sys, zsl_runner\nassert set(sys.modules).isdisjoint({'torch', 'hydra', 'numpy'})\n"
    script += "for name in ('open_run', 'read_results', 'run'):\n    assert callable(getattr(zsl_runner, name))\n"
    script += "assert 'torch' not in sys.modules"
    done = python("-c", script)
    assert done.returncode == 0, done.stderr


def test_the_package_names_what_it_offers():
    assert {"open_run", "read_results", "run", "__version__"} <= set(dir(zsl))
    with pytest.raises(AttributeError, match="has no attribute 'open_rum'"):
        _ = zsl.open_rum


@pytest.mark.parametrize(
    "arguments",
    [["--version"], ["modle=sgal"], pytest.param(["dataset=toy", "model=eszsl", "task=check"], marks=pytest.mark.slow)],
)
def test_the_package_run_as_a_module_is_the_command(arguments):
    command = "import sys; from zsl_runner.train import main; sys.exit(main())"
    module, script = python("-m", "zsl_runner", *arguments), python("-c", command, *arguments)
    assert (module.returncode, module.stdout, module.stderr) == (script.returncode, script.stdout, script.stderr)
    assert module.stdout or module.stderr


@pytest.mark.slow
def test_a_run_is_the_same_after_another_in_the_process(tmp_path):
    first = zsl.run([*SMALL, f"outputs='{tmp_path}/a'"])
    other = zsl.run([*CLOSED, "dataset=toy", "seed=1", f"outputs='{tmp_path}/a'"])
    again = zsl.run([*SMALL, f"outputs='{tmp_path}/b'"])
    assert (first.config.model.kind, other.config.model.kind, other.config.seed) == ("sgal", "eszsl", 1)
    assert same(first.model.state_dict(), again.model.state_dict())
    assert Result.load(first.directory).metrics == Result.load(again.directory).metrics


def test_nothing_of_a_run_stays_in_the_process(tmp_path, monkeypatch):
    watched = []

    def watched_loader(*arguments):
        loader = Loader(*arguments)
        watched.append(weakref.ref(loader))
        return loader

    monkeypatch.setattr(api, "Loader", watched_loader)
    run = zsl.run([f"outputs='{tmp_path}'", *CLOSED])
    watched += [weakref.ref(part) for part in (run, run.model, run.data, run.fold)]
    assert len(watched) == 5
    del run
    gc.collect()
    assert [part() for part in watched] == [None] * 5


def test_runs_of_several_threads_take_turns(tmp_path, monkeypatch):
    """They would draw first weights from torch's one generator, and set threads and determinism for each other."""
    at_work, most = [], []

    def start(_config, overrides, _resumes, announce):
        at_work.append(overrides)
        time.sleep(0.05)
        most.append(len(at_work))
        at_work.pop()
        announce(tmp_path)

    monkeypatch.setattr(api, "start", start)
    monkeypatch.setattr(api, "open_run", lambda *_arguments, **_options: None)
    command = [f"outputs='{tmp_path}'", *CLOSED]
    threads = [threading.Thread(target=zsl.run, args=([*command, f"seed={seed}"],)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4


def test_overrides_that_can_be_read_only_once_all_count(tmp_path, monkeypatch):
    started = []
    monkeypatch.setattr(
        api, "start", lambda config, *given: (started.append((config.seed, given[0])), given[2](tmp_path))
    )
    monkeypatch.setattr(api, "open_run", lambda *_arguments, **_options: None)
    overrides = [f"outputs='{tmp_path}'", *CLOSED, "seed=3"]
    zsl.run(override for override in overrides)
    assert started == [(3, overrides)]


def test_a_run_that_is_there_is_opened(tmp_path):
    overrides = [*CLOSED, "dataset=toy", f"outputs='{tmp_path}'"]
    first = zsl.run(overrides)
    assert zsl.run([*overrides, "existing=keep"]).directory == first.directory
    assert zsl.run([f"resume='{first.directory}'"]).directory == first.directory
    assert first.result.metrics == Result.load(first.directory).metrics
    assert repr(first) == f"TrainedRun('{first.directory}': eszsl on toy, seed 0, final stage, complete)"
    assert zsl.run(overrides).directory != first.directory


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["modle=sgal"], "did you mean model?"),
        (["seed=0,1"], "several values"),
        (["-m", "seed=0,1"], "flags and sweeps belong to the command"),
        (["task=check"], "task=check starts no run"),
        ("model=sgal", "expected a list of texts"),
        (["model=sgal", 3], "expected texts such as 'seed=3', found 3"),
    ],
)
def test_what_cannot_run_is_refused_and_nothing_written(overrides, words, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        zsl.run(overrides)
    assert words in str(caught.value)
    assert list(tmp_path.iterdir()) == []


def test_only_complete_runs_are_opened_unless_asked_for(tmp_path):
    stopped = cut_short(tmp_path, *SMALL, at=3)
    with pytest.raises(
        CheckpointError, match=r"newest checkpoint is of step \d, in the tune stage; continue with: zsl-run resume="
    ):
        zsl.open_run(stopped)
    assert not zsl.open_run(str(stopped), unfinished=True).complete


def test_a_run_without_checkpoints_and_no_run_are_refused(tmp_path):
    directory = finished(tmp_path, *CLOSED, "dataset=toy")
    for path in (directory / "checkpoints").iterdir():
        path.unlink()
    for place, words in ((directory, "no checkpoint"), (tmp_path / "x", "no such run"), (tmp_path, "did you mean")):
        with pytest.raises(CheckpointError, match=words):
            zsl.open_run(place)


def test_results_are_plain_records(tmp_path):
    done = finished(tmp_path, *CLOSED, "dataset=toy", "seed=3")
    stopped = cut_short(tmp_path, *SMALL, at=3)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = zsl.read_results(tmp_path)
    assert [record["run"] for record in found] == [str(done), str(stopped)]
    assert [record["status"] for record in found] == ["complete", "cut short"]
    assert found[0]["metrics"] == Result.load(done).metrics
    assert (found[0]["seed"], found[0]["config"]["model.kind"]) == (3, "eszsl")
    (stopped / "result.json").write_text("{")
    with pytest.warns(UserWarning, match=r"result\.json"):
        assert [record["run"] for record in zsl.read_results(str(tmp_path))] == [str(done)]
    with pytest.raises(RunError, match="no such folder of runs"):
        zsl.read_results(tmp_path / "nowhere")
