"""The signals that ask a process to stop, heard from the start of a command to its end."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any

_STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_LOOKS = 1.0
"""Seconds between two looks at the parent process."""


class StopRequest:
    """Notes the first SIGINT, SIGTERM or SIGHUP of a process; the second one acts at once.

    Where nothing would be lost (`interrupting`) the first one, too, ends the work at once, by KeyboardInterrupt. A run
    (`deferred`) asks after every step, leaves a measurement at once, and saves its state.

    Attributes:
        signal: the first signal that came.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._interrupts = False
        self._before: dict[signal.Signals, Any] = {}

    def requested(self) -> bool:
        """Tell whether a signal has come."""
        return self.signal is not None

    @property
    def code(self) -> int:
        """The exit code of a process that was stopped."""
        return 128 + (signal.SIGINT if self.signal is None else self.signal)

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Note signals inside the block, unless an outer block does.

        Only the main thread can listen. A SIGHUP that was ignored before, as ``nohup`` asks for, stays ignored.
        """
        if self._before or threading.current_thread() is not threading.main_thread():
            yield
            return
        self.signal = None
        before = {number: signal.getsignal(number) for number in _STOPPING}
        if before[signal.SIGHUP] is signal.SIG_IGN:
            del before[signal.SIGHUP]
        self._before = before
        for number in before:
            signal.signal(number, self._hear)
        try:
            yield
        finally:
            self._restore()
            self._before = {}

    @contextmanager
    def interrupting(self) -> Iterator[None]:
        """Let a signal raise KeyboardInterrupt inside the block.

        Raises:
            KeyboardInterrupt: a signal came, before or inside the block.
        """
        try:
            self._interrupts = True
            self.check()
            yield
        finally:
            self._interrupts = False

    @contextmanager
    def deferred(self) -> Iterator[None]:
        """Only note signals inside the block, which asks by `requested`."""
        with self.listening():
            before, self._interrupts = self._interrupts, False
            try:
                yield
            finally:
                self._interrupts = before

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal has come."""
        if self.requested():
            raise KeyboardInterrupt

    def _hear(self, number: int, _frame: FrameType | None) -> None:
        self.signal = number
        self._restore()
        if self._interrupts:
            raise KeyboardInterrupt
        with suppress(OSError):  # not print: the signal may have come in the middle of one
            os.write(2, b"\nstopping as soon as the state is saved; once more stops at once\n")

    def _restore(self) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


STOP = StopRequest()
"""The one of this process."""


@contextmanager
def ending_with(parent: int) -> Iterator[None]:
    """Stop the work of the block, as SIGTERM does, when the parent process has gone; then leave the process at its end.

    A worker whose command was killed would otherwise go on with runs that nobody waits for, and keep them from whoever
    repeats the command.

    Args:
        parent: number of the process to end with; nothing happens if it is not the parent of this one.
    """
    if os.getppid() != parent:
        yield
        return
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_LOOKS):
            if os.getppid() != parent:
                os.kill(os.getpid(), signal.SIGTERM)
                return

    threading.Thread(target=watch, name="parent", daemon=True).start()
    try:
        yield
    finally:
        over.set()
        if os.getppid() != parent:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            os._exit(128 + signal.SIGTERM)


def end_quietly() -> None:
    """Let Ctrl-C end the process without a traceback from now on; for the time in which Python winds it up."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
