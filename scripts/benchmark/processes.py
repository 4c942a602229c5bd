"""Costs of whole processes: each a fresh interpreter with one thread."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from scripts.benchmark.timing import Cost
from zsl_runner.errors import RunError

SECONDS_TO_END = 60
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def environment() -> Mapping[str, str]:
    """Return this process's environment with one thread for everything, and this repository to be found first."""
    paths = [str(Path(__file__).resolve().parents[2]), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, **dict.fromkeys(THREADS, "1"), "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def python(*arguments: str, folder: Path | None = None, variables: Mapping[str, str] | None = None) -> tuple[Cost, str]:
    """Run ``python ARGUMENTS`` to its end.

    Args:
        arguments: arguments of the interpreter, e.g. ``-c`` and a program.
        folder: working directory.
        variables: environment variables beside those of `environment`.

    Returns:
        What it took with the processes it waited for, and what it printed.

    Raises:
        RunError: it did not exit with 0.
    """
    command: Sequence[str] = (sys.executable, *arguments)
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as complained:
        start = time.perf_counter()
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=complained,
            cwd=folder,
            env={**environment(), **(variables or {})},
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0), complained.seek(0)
        if process.returncode:
            message = complained.read().decode(errors="replace").strip()
            raise RunError(f"python {' '.join(arguments)}: exit code {process.returncode}\n{message}")
        return Cost(usage.ru_utime + usage.ru_stime, wall), printed.read().decode(errors="replace")


class Worker:
    """A process ``python ARGUMENTS`` that answers each line with a line; leave the context to end it.

    Args:
        arguments: arguments of the interpreter.
        variables: environment variables beside those of `environment`.
    """

    def __init__(self, *arguments: str, variables: Mapping[str, str] | None = None) -> None:
        self._name = f"python {' '.join(arguments)}"
        self._complained = tempfile.TemporaryFile()  # noqa: SIM115 - open as long as the process
        self._process = subprocess.Popen(
            (sys.executable, *arguments),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complained,
            text=True,
            env={**environment(), **(variables or {})},
        )

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._process.stdin.close()  # type: ignore[union-attr]
        try:
            self._process.wait(SECONDS_TO_END)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()  # type: ignore[union-attr]
        self._complained.close()

    def read(self) -> str:
        """Return the next line the process prints.

        Raises:
            RunError: it ended without one.
        """
        line: str = self._process.stdout.readline()  # type: ignore[union-attr]
        if not line:
            code = self._process.wait()
            self._complained.seek(0)
            message = self._complained.read().decode(errors="replace").strip()
            raise RunError(f"{self._name}: exit code {code}\n{message}")
        return line

    def ask(self) -> str:
        """Write an empty line and return the answer.

        Raises:
            RunError: the process ended without one.
        """
        print(file=self._process.stdin, flush=True)
        return self.read()
