import logging
import os
import subprocess
import sys
import types
from itertools import count
from pathlib import Path

import pytest

from tests.config.stand_in import complete
from tests.loaded import ours
from tests.parent import Parent
from zsl_runner import train
from zsl_runner.config.check import check
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory

REPOSITORY = Path(__file__).resolve().parents[2]


@pytest.fixture
def verdict(tmp_path, loader):
    """Check a command line against the repository's files, on a machine without CUDA unless told otherwise."""

    def run(*arguments, extra=None, devices=0, source=None, strictly=False):
        source = source or Source(conf_directory(), extra=extra)
        loader = ours() if source == Source(conf_directory()) else Loader(source)
        arguments = [f"outputs={tmp_path}/outputs", *arguments]
        return check(loader, arguments, count_devices=lambda: devices, strictly=strictly)

    return run


@pytest.fixture
def problems(verdict):
    """The problems of a command line as ``{key: (message, origin)}``."""

    def run(*arguments, **options):
        found = verdict(*arguments, **options).problems
        table = {problem.key: (problem.message, problem.origin) for problem in found}
        assert len(table) == len(found), found
        return table

    return run


@pytest.fixture(scope="session")
def light():
    process = Parent()
    yield process
    process.end()


@pytest.fixture
def zsl_run(tmp_path, light):
    """Run the command in a process of its own, in an empty folder."""
    numbers = count()

    def run(*arguments, places=(), **environment):
        folder = tmp_path / "elsewhere"
        folder.mkdir(exist_ok=True)
        log = tmp_path / f"process-{next(numbers)}"
        return light.run(folder, log, *arguments, places=places, environment=environment)

    return run


@pytest.fixture
def fresh_zsl_run(tmp_path):
    """Run the command in a new interpreter, in an empty folder."""

    def run(*arguments, program=("-m", "zsl_runner.train")):
        folder = tmp_path / "elsewhere"
        folder.mkdir(exist_ok=True)
        return subprocess.run(
            [sys.executable, *program, *arguments],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def main(monkeypatch, tmp_path):
    """Call the entry point in this process, with a run that does as it is told."""
    monkeypatch.chdir(tmp_path)
    calls = []

    def call(*arguments, act=complete):
        def execute(config, overrides, swept=(), announce=None, only=False, study=""):
            calls.append(("new", config, overrides))
            result = act(config)
            if announce is not None:  # one of a sweep
                directory = tmp_path / config.outputs / f"run-{len(calls)}"
                directory.mkdir(parents=True)
                result.save(directory)
                announce(directory)
            return result

        def resume(directory, config):
            calls.append((directory, config, []))
            return act(config)

        stand_in = types.ModuleType("zsl_runner.runs.attempt")
        stand_in.execute, stand_in.resume = execute, resume
        monkeypatch.setitem(sys.modules, "zsl_runner.runs.attempt", stand_in)
        monkeypatch.setattr("zsl_runner.runs.attempt", stand_in, raising=False)
        monkeypatch.setattr("sys.argv", ["zsl-run", *arguments])
        return train.main()

    call.calls = calls
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield call
    root.handlers[:] = handlers
    root.setLevel(level)
