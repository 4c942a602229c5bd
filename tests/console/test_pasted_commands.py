"""The command that an interrupted run prints works when it is pasted, whatever its folder is called."""

import re
import shlex
import signal
import subprocess

import pytest

from tests.config.test_quoting import ODD_NAMES
from tests.console.test_signals import strike  # noqa: F401  (a fixture)
from tests.launching.conftest import TRAINED
from zsl_runner.config.quoting import setting
from zsl_runner.runs import run

SLOW = pytest.mark.slow
NAMES = [name if number == 11 else pytest.param(name, marks=SLOW) for number, name in enumerate(ODD_NAMES)]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("absolute", [False, pytest.param(True, marks=SLOW)])
def test_resumes_the_run(strike, monkeypatch, zsl_run, tmp_path, name, absolute):  # noqa: F811
    strike(run.Run, "_describe", signal.SIGTERM)
    outputs = str(tmp_path / "runs" / name) if absolute else f"./{name}"
    done = zsl_run(*TRAINED, setting("outputs", outputs), code=143)
    printed = re.search(r"continue with: zsl-run (.*)", done.stderr, flags=re.DOTALL)[1].rstrip("\n")
    words = subprocess.run(["bash", "-c", f"printf '%s\\0' {printed}"], capture_output=True, check=True).stdout
    arguments = words.decode().removesuffix("\0").split("\0")
    assert len(arguments) == 1, shlex.join(arguments)
    monkeypatch.undo()
    zsl_run(*arguments)
    (found,) = tmp_path.rglob("result.json")
    assert '"status": "complete"' in found.read_text()
    assert len(list(tmp_path.rglob("config.yaml"))) == 1
