"""What guards a run directory: signals become a saved stop, and one process works in it at a time."""

from __future__ import annotations

import fcntl
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from zsl_runner.errors import CheckpointError

_PATIENCE = 10
"""How often a lock that nobody holds may be refused: it may have become free in between, or be out of reach."""


class StopRequest:
    """Notes SIGINT and SIGTERM; the loop asks after every step."""

    def __init__(self) -> None:
        self.signal: int | None = None

    def requested(self) -> bool:
        """Tell whether a signal has come."""
        return self.signal is not None

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note signals inside the block; a second one of its kind acts at once. Only the main thread can listen."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def note(number: int, frame: FrameType | None) -> None:
            self.signal = number
            signal.signal(number, before[signal.Signals(number)])
            print("\nstopping after this step; the state will be saved", file=sys.stderr)

        for number in before:
            signal.signal(number, note)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


@contextmanager
def exclusive(directory: Path) -> Iterator[None]:
    """Hold the run directory's lock, so that no two processes work in it.

    Raises:
        CheckpointError: another process holds it.
    """
    with (directory / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CheckpointError(f"{directory}: another process is working on this run") from error
        yield


@contextmanager
def one_at_a_time(folder: Path) -> Iterator[None]:
    """Hold a folder's lock for an instant, and wait for it while another process does."""
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
                time.sleep(0.02)
        yield


def is_held(directory: Path) -> bool:
    """Tell whether a process is working in the run directory."""
    try:
        with exclusive(directory):
            return False
    except CheckpointError:
        return True
