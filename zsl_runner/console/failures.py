"""What is said about a failure: a line if a user or the system caused it, a kept traceback if it is a bug of ours."""

from __future__ import annotations

import os
import platform
import shlex
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from zsl_runner import __version__
from zsl_runner.errors import RunError
from zsl_runner.files.folders import default_cache_folder
from zsl_runner.files.writing import write_text

_NO_TEMPORARY: Final = "No usable temporary directory"
"""What `tempfile` says, which torch asks for one when it prepares to compile."""


def expected(error: BaseException) -> str | None:
    """Return one line for a failure that a user, the system or the machine's size explains; None for any other."""
    if isinstance(error, RunError):
        return str(error)
    if isinstance(error, OSError):
        place = "" if error.filename is None else f"{os.fsdecode(error.filename)}: "
        remedy = "; set TMPDIR to a folder that can be written" if _NO_TEMPORARY in str(error) else ""
        return f"{place}{error.strerror or str(error) or type(error).__name__}{remedy}"
    if isinstance(error, RecursionError):
        return "something that was read is nested too deeply: a file, or an argument of the command line"
    if isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__ or "can't allocate memory" in str(error):
        return f"not enough memory: {str(error).partition(chr(10))[0] or 'nothing is left'}"
    return None


def caused_by_the_system(error: BaseException) -> bool:
    """Tell whether the operating system refused something, a full disk for example."""
    return isinstance(error, OSError) or isinstance(error.__cause__, OSError)


def message(program: str, error: BaseException) -> str:
    """Return what the terminal is told about a failure.

    The traceback of an unexpected one is kept in a file, or is part of the text if none can be written. With
    ``HYDRA_FULL_ERROR=1`` every failure shows its traceback.
    """
    if os.environ.get("HYDRA_FULL_ERROR") == "1":
        return account(error).rstrip()
    line = expected(error)
    if line is not None:
        return f"{program}: {line}"
    place = place_elsewhere(error)
    told = f"{program}: {'' if place else 'a bug: '}{summary(error)}"
    kept = _kept(program, error)
    if place is not None:
        whole = f"the traceback is in {kept}" if kept else f"the traceback:\n{account(error).rstrip()}"
        return f"{told}\n  {place}: mend it there; {whole}"
    if kept is None:
        return f"{told}\nplease report it with all of this:\n{account(error).rstrip()}"
    return f"{told}\n  please report it with {kept}, which holds the traceback, the command and the versions"


def summary(error: BaseException) -> str:
    """Return type and message of an error."""
    return f"{type(error).__name__}: {error}".rstrip(": ")


def place_elsewhere(error: BaseException) -> str | None:
    """Return the last line of code of another distribution's package that a failure passed, and whose code it is.

    None if it passed none: then it is ours to mend. A line that calls ours again counts, too, since what it passes on
    is most often what is wrong.
    """
    from zsl_runner.config.plugins import other_packages  # schemas are imported only where something failed

    packages = other_packages()
    found = None
    for frame, line in traceback.walk_tb(error.__traceback__):
        package = str(frame.f_globals.get("__name__", "")).partition(".")[0]
        if package in packages:
            code = frame.f_code
            found = f"{code.co_filename}, line {line}, in {code.co_name}, of the package {packages[package]}"
    return found


def account(error: BaseException) -> str:
    """Return all that a report of a failure needs: the command, the versions and the traceback."""
    command = shlex.join([Path(sys.argv[0]).name, *sys.argv[1:]])
    versions = f"zsl-run {__version__}, Python {platform.python_version()}, {platform.platform()}"
    return f"command: {command}\nversions: {versions}\n\n{''.join(traceback.format_exception(error))}"


def _kept(program: str, error: BaseException) -> Path | None:
    """Write the account of an error where there is room, and return its file."""
    name = f"{program}-error-{time.strftime('%Y-%m-%d_%H-%M-%S')}-{os.getpid()}.txt"
    for folder in _folders():
        with suppress(OSError, RunError):
            folder.mkdir(parents=True, exist_ok=True)
            write_text(folder / name, account(error))
            return folder / name
    return None


def _folders() -> Iterator[Path]:
    if (folder := default_cache_folder()) is not None:
        yield folder / "errors"
    with suppress(OSError):  # there is no temporary folder that can be written
        yield Path(tempfile.gettempdir())
