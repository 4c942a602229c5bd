"""A process that has imported what commands import, and is forked for each.

``python -m tests.parent MODULE...`` imports what commands import without torch, and these modules; then it reads a
command as JSON from each line and answers with its exit code. A torch imported at the top of any module that commands
import is in this process, too, and so in each that is forked from it.
"""

import importlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

from tests.forked import be_command

REPOSITORY = Path(__file__).resolve().parents[1]
SECONDS = 120
"""After these a command is killed, whose exit code is then -14."""


class Parent:
    """Runs commands of this repository.

    Args:
        modules: to import before the first one.
    """

    def __init__(self, *modules):
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__, *modules], stdin=-1, stdout=-1, text=True, cwd=REPOSITORY, env=environment
        )

    def run(self, folder, log, *arguments, module="zsl_runner.train", places=(), environment=None):
        """Run a command in a process of its own.

        Args:
            folder: working directory.
            log: beginning of the names of two files to write.
            arguments: the command's.
            module: its module.
            places: folders in which modules are searched first; what they hold may change from one command to the next.
            environment: variables beside those of the test.

        Returns:
            Its exit code, what it printed, and whether it imported torch.
        """
        order = {
            "command": [str(folder), str(log), module, arguments],
            "places": [str(place) for place in places],
            "environment": {**os.environ, **(environment or {})},
        }
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        code, torch = json.loads(self._process.stdout.readline())
        out, err = (Path(f"{log}.{name}").read_text() for name in ("out", "err"))
        return SimpleNamespace(returncode=code, stdout=out, stderr=err, torch=torch)

    def end(self):
        """End the process that is forked."""
        self._process.stdin.close()
        self._process.wait(timeout=30)


def _serve(modules):
    from zsl_runner.config import registry
    from zsl_runner.sweeps import command  # noqa: F401

    for group in registry.PACKAGES:
        registry._own_schemas(group)  # not kept: another distribution may add to them
    for module in modules:
        importlib.import_module(module)
    for line in sys.stdin:
        order = json.loads(line)
        reading, writing = os.pipe()
        pid = os.fork()
        if pid == 0:
            signal.alarm(SECONDS)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.environ.clear()
            os.environ.update(order["environment"])
            sys.path[:0] = order["places"]
            sys.dont_write_bytecode = bool(order["places"])  # of a file changed within a second it would be used again
            try:
                be_command(*order["command"])
            finally:
                os.write(writing, str(int("torch" in sys.modules)).encode())
        os.close(writing)
        _, status = os.waitpid(pid, 0)
        with os.fdopen(reading) as said:
            print(json.dumps([os.waitstatus_to_exitcode(status), said.read() == "1"]), flush=True)


if __name__ == "__main__":
    _serve(sys.argv[1:])
