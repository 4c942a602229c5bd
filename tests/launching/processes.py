"""Real processes for sweeps, and the daemons they need: nothing here is forked from the test's."""

import contextlib
import importlib.util
import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.launching.conftest import TRAINED

REPOSITORY = Path(__file__).resolve().parents[2]
COMMAND = ("-c", "import sys; from zsl_runner.train import main; sys.exit(main())")


def needs(module, extra):
    missing = (
        importlib.util.find_spec("hydra_plugins") is None or importlib.util.find_spec(f"hydra_plugins.{module}") is None
    )
    return pytest.mark.skipif(missing, reason=f"the extra {extra} is not installed")


def environment(**more):
    return {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1", **more}


def start(folder, *arguments, **more):
    log = (folder / f"log-{secrets.token_hex(3)}").open("w+")
    return subprocess.Popen(
        [sys.executable, *COMMAND, *arguments], cwd=folder, env=environment(**more), stdout=log, stderr=log, text=True
    ), log


def sweep(folder, *arguments, **more):
    """Run a sweep in a process of its own, as users do; return what it printed."""
    process, log = start(folder, "-m", *TRAINED, *arguments, **more)
    process.wait(timeout=500)
    log.seek(0)
    printed = log.read()
    assert process.returncode == 0, printed[-5000:]
    return printed


@contextlib.contextmanager
def session_of_its_own(*command, **more):
    """Start a daemon and what it starts in one session, and end all of that session, and nothing else."""
    process = subprocess.Popen(
        command, env=environment(**more), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )
    try:
        yield process
    finally:
        kill_session(process)


def kill_session(process):
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ProcessLookupError):
            if int(entry.read_text().rpartition(")")[2].split()[3]) == process.pid:
                os.kill(int(entry.parent.name), signal.SIGKILL)
    process.wait(timeout=30)


def wait_until(condition):
    deadline = time.monotonic() + 400
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def answers(host, port):
    with socket.socket() as probe:
        return probe.connect_ex((host, port)) == 0


def read(folder):
    found = {}
    for file in folder.glob("outputs/*/*/*/result.json"):
        record = json.loads(file.read_text())
        found[file.parent.name] = {key: record[key] for key in ("status", "metrics", "validation", "selection", "seed")}
    return found
