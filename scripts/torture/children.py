"""Starts zsl-run's commands in processes of their own, forked from this one, which has loaded all they need.

A forked start takes milliseconds where a fresh interpreter takes seconds. The forking process has one thread and has
run none of the package's commands, so a child differs from a fresh process in its imports only; ``fresh=True`` starts a
real one.
"""

from __future__ import annotations

import gc
import importlib
import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
import tomllib
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from scripts.torture.verdict import Found

REPOSITORY = Path(__file__).resolve().parents[2]
COMMANDS: dict[str, str] = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["scripts"]
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
PATIENCE = 180.0
"""Seconds after which a command counts as hanging."""

_TRACEBACK = re.compile("traceback", re.IGNORECASE)
_LOADED_LATE = ("hydra", "hydra.main", "matplotlib.backends.backend_agg", "sklearn.cluster", "sklearn.datasets", "h5py")
_BY_NAME = (
    "zsl_runner.runs.attempt",
    "zsl_runner.runs.opened",
    "zsl_runner.report.table",
    "torch.utils.tensorboard.writer",
)


_LIVING: dict[int, Child] = {}
"""Children that nobody has waited for."""


@dataclass(frozen=True)
class Done:
    """A command that has ended.

    Attributes:
        line: the command line.
        code: its exit code; of one that a signal ended, minus the signal.
        out: what it printed.
        err: what it printed to the error stream.
    """

    line: str
    code: int
    out: str
    err: str

    @property
    def text(self) -> str:
        """Both streams, with white space and line breaks as single spaces."""
        return " ".join(f"{self.out}\n{self.err}".split())

    @property
    def broke(self) -> bool:
        """Tell whether an unexpected exception came through: printed, or kept in a file that the message names."""
        return _TRACEBACK.search(self.out + self.err) is not None


def expected(done: Done, *codes: int) -> Done:
    """Return a command that ended with one of the exit codes and without a traceback.

    Raises:
        Found: it did not.
    """
    if done.broke:
        raise Found("traceback", f"{done.line}: {last_line(done)}")
    if codes and done.code not in codes:
        wanted = " or ".join(map(str, codes))
        raise Found("other", f"{done.line}: exit code {wanted} expected, found {done.code}: {last_line(done)}")
    return done


def last_line(done: Done) -> str:
    """Return the last line a command printed, of errors if there are any."""
    lines = (done.err.strip() or done.out.strip()).splitlines()
    return lines[-1][:300] if lines else "nothing printed"


@dataclass
class Child:
    """A command at work.

    Attributes:
        pid: its process.
        line: its command line.
        log: where its streams go, without the endings.
        aimed: readable end of a pipe into which a hook writes when the moment has come.
    """

    pid: int
    line: str
    log: Path
    aimed: int | None = None
    status: int | None = None

    def __post_init__(self) -> None:
        _LIVING[self.pid] = self

    def wait(self, seconds: float = PATIENCE) -> Done:
        """Wait for the end.

        Raises:
            Found: it does not end.
        """
        deadline = time.monotonic() + seconds
        pause = 0.0005
        while not self.has_ended():
            if time.monotonic() > deadline:
                self.send(signal.SIGKILL)
                self.status = os.waitpid(self.pid, 0)[1]
                _LIVING.pop(self.pid, None)
                raise Found("other", f"{self.line}: does not end within {seconds:.0f} s")
            time.sleep(pause)
            pause = min(pause * 1.5, 0.02)
        if self.aimed is not None:
            os.close(self.aimed)
            self.aimed = None
        out, err = (_text(self.log.with_name(f"{self.log.name}.{ending}")) for ending in ("out", "err"))
        assert self.status is not None
        return Done(self.line, os.waitstatus_to_exitcode(self.status), out, err)

    def has_ended(self) -> bool:
        """Tell whether the process has ended."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = status
                _LIVING.pop(self.pid, None)
        return self.status is not None

    def moment(self, seconds: float) -> bool:
        """Wait for the moment that a hook announces; tell whether it came before the end of the process."""
        assert self.aimed is not None
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            ready, _, _ = select.select([self.aimed], [], [], 0.05)
            if ready:
                return os.read(self.aimed, 1) != b""
            if self.has_ended():
                return False
        return False

    def send(self, number: int) -> None:
        """Send a signal, if there is still somebody to take it."""
        if self.status is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)


def stop_all() -> None:
    """End the children that a try has left when it broke off."""
    for child in list(_LIVING.values()):
        child.send(signal.SIGKILL)
        with suppress(Found):
            child.wait()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""


Hook = Callable[[int], None]
"""Called in the child before the command, with the writable end of the pipe `Child.aimed` reads."""


@dataclass
class Place:
    """A working directory in which commands are run, and what they print is kept beside it.

    Attributes:
        folder: the folder of a try.
    """

    folder: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    count: int = 0

    @property
    def home(self) -> Path:
        """The working directory of the commands."""
        home = self.folder / "home"
        home.mkdir(parents=True, exist_ok=True)
        return home

    def start(self, command: str, *arguments: object, hook: Hook | None = None, fresh: bool = False) -> Child:
        """Start a command, e.g. ``zsl-run``.

        Args:
            command: its name.
            arguments: its arguments.
            hook: called in the child before the command; forked children only.
            fresh: start a new interpreter.
        """
        self.count += 1
        words = [command, *map(str, arguments)]
        line = shlex.join(words)
        log = self.folder / f"{self.count:02d}-{command}"
        log.with_name(f"{log.name}.sh").write_text(f"cd {shlex.quote(str(self.home))}\n{line}\n", errors="replace")
        variables = {**os.environ, **dict.fromkeys(THREADS, "1"), **self.environment}
        if fresh:
            with open(f"{log}.out", "wb") as out, open(f"{log}.err", "wb") as err:
                process = subprocess.Popen(
                    fresh_command(words),
                    cwd=self.home,
                    env=fresh_environment(variables),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=err,
                )
            process.returncode = 0  # waited for here and not by Popen
            return Child(process.pid, line, log)
        readable, writable = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(readable)
            _be(words, self.home, log, variables, hook, writable)
        os.close(writable)
        return Child(pid, line, log, readable)

    def run(
        self, command: str, *arguments: object, hook: Hook | None = None, fresh: bool = False, seconds: float = PATIENCE
    ) -> Done:
        """Run a command to its end; arguments as in `start`."""
        return self.start(command, *arguments, hook=hook, fresh=fresh).wait(seconds)

    def call(self, name: str, function: Callable[[], None]) -> Done:
        """Call a function in a child of its own, with streams kept like a command's."""
        return self.run("zsl-run", name, hook=lambda _: _only(function))


def _only(function: Callable[[], None]) -> None:
    function()
    raise SystemExit(0)


def fresh_command(words: Sequence[str]) -> list[str]:
    """Return what starts a command in a new interpreter, as its installed script does."""
    module, _, function = COMMANDS[words[0]].partition(":")
    program = f"import sys; from {module} import {function} as main; sys.argv[0] = {words[0]!r}; sys.exit(main())"
    return [sys.executable, "-c", program, *words[1:]]


def fresh_environment(variables: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which this repository's package is found first."""
    paths = [str(REPOSITORY), variables.get("PYTHONPATH", "")]
    return {**variables, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def _be(
    words: Sequence[str], home: Path, log: Path, variables: Mapping[str, str], hook: Hook | None, pipe: int
) -> NoReturn:
    """Become the command: in the child, never to return."""
    code = 1
    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        signal.signal(signal.SIGPIPE, signal.SIG_IGN)  # as Python does at its start
        os.chdir(home)
        os.environ.clear()
        os.environ.update(variables)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        for stream, ending in ((1, "out"), (2, "err")):
            os.dup2(os.open(f"{log}.{ending}", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644), stream)
        sys.stdin = os.fdopen(0)
        sys.stdout = os.fdopen(1, "w", encoding="utf-8")
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", errors="backslashreplace", buffering=1)
        sys.argv = list(words)
        gc.enable()
        try:
            if hook is not None:
                hook(pipe)
            module, _, function = COMMANDS[words[0]].partition(":")
            code = _exit_code(getattr(importlib.import_module(module), function)())
        except SystemExit as leave:
            code = _exit_code(leave.code)
        except KeyboardInterrupt:
            traceback.print_exc()
            code = 130
        except BaseException:
            traceback.print_exc()
        import logging

        logging.shutdown()
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _exit_code(value: object) -> int:
    if value is None:
        return 0
    if isinstance(value, int):
        return value & 0xFF
    print(value, file=sys.stderr)
    return 1


def load_everything() -> None:
    """Import what the commands import late, so that children need not."""
    import warnings

    import torch

    from zsl_runner.config.registry import resolve, schemas
    from zsl_runner.config.schema import GROUPS

    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name in (*_LOADED_LATE, *_BY_NAME, *(value.partition(":")[0] for value in COMMANDS.values())):
        with suppress(ImportError):
            importlib.import_module(name)
    for implementation in {schema.implementation for group in GROUPS for schema in schemas(group).values()}:
        with suppress(Exception):
            resolve(implementation)
    gc.collect()
    gc.freeze()  # no child looks through this, or copies its pages, when it collects
