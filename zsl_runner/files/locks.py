"""What guards a run directory: one process works in it at a time."""

from __future__ import annotations

import errno
import fcntl
import logging
import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from zsl_runner.errors import CheckpointError, OccupiedError

LOCK = ".lock"
_HELD = (errno.EWOULDBLOCK, errno.EACCES)
_LOCKLESS: set[int] = set()
"""File systems that were told of."""
_INSTANT = 0.02
"""Seconds until a lock is tried again."""
_PATIENCE = 10
"""How often a lock that nobody holds may be refused: it may have become free in between, or be out of reach."""
log = logging.getLogger(__name__)


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Hold the run directory's lock, so that no two processes work in it.

    Some network file systems know no locks; there the work goes on, with a warning for each of them.

    Raises:
        OccupiedError: another process holds it.
        CheckpointError: the directory cannot be written.
    """
    try:
        file = (directory / LOCK).open("w")
    except OSError as error:
        raise CheckpointError(f"{directory / LOCK}: cannot be written: {error.strerror or error}") from error
    with file:
        free = _taken(file, directory)
        if free is None:
            _tell_of_missing_locks(directory, os.fstat(file.fileno()).st_dev)
        elif not free:
            raise OccupiedError(f"{directory}: another process is working on this run", directory)
        yield


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a folder's lock for an instant, and wait for it while another process does.

    Raises:
        CheckpointError: the folder cannot be written, or refuses the lock again and again although nobody holds it.
    """
    refused = 0
    with ExitStack() as lock:
        while True:
            try:
                lock.enter_context(exclusive(folder))
                break
            except CheckpointError:
                refused = 0 if is_held(folder) else refused + 1
                if refused == _PATIENCE:
                    raise
                time.sleep(_INSTANT)
        yield


def holding(directory: Path) -> bool | None:
    """Tell whether a process is working in the run directory; None if nobody may know. Writes nothing."""
    try:
        with (directory / LOCK).open() as file:
            free = _lock(file, fcntl.LOCK_SH)
    except FileNotFoundError:  # no process has ever worked there
        return False
    except OSError:
        return None
    return None if free is None else not free


def is_held(directory: Path) -> bool:
    """Tell whether a process is known to work in the run directory."""
    return holding(directory) is True


def _tell_of_missing_locks(directory: Path, device: int) -> None:
    if device not in _LOCKLESS:
        _LOCKLESS.add(device)
        log.warning(
            "%s: this file system knows no locks; make sure that no two processes work on the same run", directory
        )


def _taken(file: IO[str], directory: Path) -> bool | None:
    """Take a run directory's lock as `_lock` does; who only asks whether it is held has it for an instant: wait."""
    for _ in range(_PATIENCE):
        free = _lock(file, fcntl.LOCK_EX)
        if free is not False or is_held(directory):
            return free
        time.sleep(_INSTANT)
    return False


def _lock(file: IO[str], kind: int) -> bool | None:
    """Take a lock until the file is closed; return whether it was free, None where there are no locks."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError as error:
        return False if error.errno in _HELD else None
    return True
