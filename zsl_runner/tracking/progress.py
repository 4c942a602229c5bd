"""The progress of a phase: a bar on a terminal, plain lines elsewhere, silence in worker processes."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TextIO

from zsl_runner.tracking.bar import Bar, Recent

LINE_SECONDS = 5.0, 60.0
"""The fewest and the most seconds between two lines."""
LINES_APART = 50
"""The next line comes after this part of the time that has passed; the log of a long run stays short."""


class Display(Protocol):
    """What the tracker tells a progress display."""

    def begin_phase(self, stage: str, phase: str, steps: int, done: int) -> None:
        """Start to show a phase of ``steps`` steps, ``done`` of which were made before a resume."""

    def advance(self) -> None:
        """Count one step."""

    def scalars(self, values: Mapping[str, float]) -> None:
        """Show these values from now on beside the steps."""

    def close(self) -> None:
        """Finish the phase that is shown."""


def duration(seconds: float) -> str:
    """Return a duration as ``m:ss`` or ``h:mm:ss``.

    >>> duration(75), duration(3675.4)
    ('1:15', '1:01:15')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def draws_anew() -> bool:
    """Tell whether standard error is a terminal that can draw a line again in its place.

    ``TERM=dumb`` says that it cannot (the shell of an editor), and ``CI`` that what comes there is kept as a log.
    """
    return sys.stderr.isatty() and os.environ.get("TERM") not in ("dumb", "unknown") and not os.environ.get("CI")


def pause(passed: float) -> float:
    """Return how many seconds after a line of progress the next one is due.

    >>> pause(20), pause(1000), pause(86400)
    (5.0, 20.0, 60.0)

    Args:
        passed: seconds since the beginning.
    """
    fewest, most = LINE_SECONDS
    return min(max(passed / LINES_APART, fewest), most)


class Lines:
    """Prints a line when a phase begins and ends and every few seconds between, less often after some minutes.

    Args:
        stream: where to print; standard error by default.
        clock: monotonic seconds.
    """

    def __init__(self, stream: TextIO | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._recent = Recent()
        self._open = False
        self._label = ""
        self._steps = self._done = self._first = self._printed = 0
        self._began = self._next = self._latest = 0.0

    def begin_phase(self, stage: str, phase: str, steps: int, done: int) -> None:
        """Print the phase and its length."""
        self.close()
        self._recent.begin_phase(stage)
        self._label, self._steps, self._done, self._first = f"{stage}/{phase}", steps, done, done
        self._began = self._latest = self._clock()
        self._next = self._began + pause(0.0)
        self._printed, self._open = -1, True
        self._print(f"{self._label}: {steps} steps" + (f", {done} done before" if done else ""))

    def advance(self) -> None:
        """Count a step; print if the last line is some seconds old."""
        self._done += 1
        self._latest = now = self._clock()
        if now >= self._next:
            self._next = now + pause(now - self._began)
            self._status(now)

    def scalars(self, values: Mapping[str, float]) -> None:
        """Show these values in the next line."""
        self._recent.take(values)

    def close(self) -> None:
        """Print where the phase ended, if that was not printed yet."""
        if self._open and self._done > self._first and self._printed != self._done:
            self._status(self._latest)
        self._open = False

    def _status(self, now: float) -> None:
        self._printed = self._done
        rate = (self._done - self._first) / max(now - self._began, 1e-9)
        percent = 100 * self._done // max(self._steps, 1)
        left = duration(max(self._steps - self._done, 0) / rate)
        counts = f"{self._done}/{self._steps} {percent}%  {rate:.3g} steps/s"
        remaining = f"ETA {left}" if self._done < self._steps else f"took {duration(now - self._began)}"
        self._print(f"{self._label}: {counts}  {remaining}  {self._recent}".rstrip())

    def _print(self, line: str) -> None:
        print(line, file=self._stream, flush=True)


class Silence:
    """Shows nothing."""

    def begin_phase(self, stage: str, phase: str, steps: int, done: int) -> None:
        """Show nothing."""

    def advance(self) -> None:
        """Show nothing."""

    def scalars(self, values: Mapping[str, float]) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


def display(choice: str) -> Display:
    """Return the display for the option ``tracker.progress``.

    ``auto`` is silent in a child process of a pool, where the lines of several runs would mix, draws a bar if
    standard error is a terminal that can (`draws_anew`), and prints lines otherwise.
    """
    if choice == "auto":
        visible = "bar" if draws_anew() else "lines"
        choice = visible if multiprocessing.parent_process() is None else "none"
    if choice == "none":
        return Silence()
    return Bar() if choice == "bar" else Lines()
