"""The progress of a phase: a bar on a terminal, plain lines elsewhere, now and then one from workers of a pool."""

from __future__ import annotations

import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Protocol, TextIO

from zsl_runner.tracking.bar import Bar, Recent, speed

LINE_SECONDS = 5.0, 60.0
"""The fewest and the most seconds between two lines."""
SHARED_SECONDS = 60.0, 600.0
"""The same where several runs share a terminal."""
LINES_APART = 50
"""The next line comes after this part of the time that has passed; the log of a long run stays short."""


class Display(Protocol):
    """What the tracker tells a progress display."""

    def begin_phase(self, stage: str, phase: str, steps: int, done: int) -> None:
        """Start to show a phase of ``steps`` steps, ``done`` of which were made before a resume."""

    def advance(self) -> None:
        """Count one step."""

    def measure(self, rows: str) -> None:
        """Show until the next values that ``val`` or ``test`` rows are measured, which can take minutes."""

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


def pause(passed: float, bounds: tuple[float, float] = LINE_SECONDS) -> float:
    """Return how many seconds after a line of progress the next one is due.

    >>> pause(20), pause(1000), pause(86400)
    (5.0, 20.0, 60.0)

    Args:
        passed: seconds since the beginning.
        bounds: the fewest and the most seconds.
    """
    fewest, most = bounds
    return min(max(passed / LINES_APART, fewest), most)


class Lines:
    """Prints a line when a phase begins and ends and every few seconds between, less often after some minutes.

    Args:
        stream: where to print; standard error by default.
        clock: monotonic seconds.
        run: the run's name where several share the stream, with which each line then begins.
        few: lines come less often, and none tells that a phase begins or ends.
    """

    def __init__(
        self,
        stream: TextIO | None = None,
        clock: Callable[[], float] = time.monotonic,
        run: str | None = None,
        few: bool = False,
    ) -> None:
        self._stream = stream or sys.stderr
        self._clock = clock
        self._run = run
        self._few = few
        self._bounds = SHARED_SECONDS if few else LINE_SECONDS
        self._recent = Recent()
        self._open = False
        self._label = ""
        self._steps = self._done = self._first = self._printed = 0
        self._began = self._latest = 0.0
        self._since = clock()
        self._next = self._since + pause(0.0, self._bounds)

    def begin_phase(self, stage: str, phase: str, steps: int, done: int) -> None:
        """Print the phase and its length."""
        self.close()
        self._recent.begin_phase(stage)
        self._label, self._steps, self._done, self._first = f"{stage}/{phase}", steps, done, done
        self._began = self._latest = self._clock()
        self._printed, self._open = -1, True
        if not self._few:
            self._since = self._began
            self._next = self._began + pause(0.0)
            self._print(f"{self._label}: {steps} steps" + (f", {done} done before" if done else ""))

    def advance(self) -> None:
        """Count a step; print if the last line is some seconds old."""
        self._done += 1
        self._print_if_due()

    def measure(self, rows: str) -> None:
        """Say so in the next line, and print it if the last one is some seconds old."""
        self._recent.measured = rows
        self._print_if_due()

    def scalars(self, values: Mapping[str, float]) -> None:
        """Show these values in the next line."""
        self._recent.take(values)

    def close(self) -> None:
        """Print where the phase ended, if that was not printed yet."""
        if not self._few and self._open and self._done > self._first and self._printed != self._done:
            self._status(self._latest)
        self._open = False

    def _print_if_due(self) -> None:
        self._latest = now = self._clock()
        if now >= self._next:
            self._next = now + pause(now - self._since, self._bounds)
            self._status(now)

    def _status(self, now: float) -> None:
        self._printed = self._done
        percent = 100 * self._done // max(self._steps, 1)
        shown = [f"{self._label}: {self._done}/{self._steps} {percent}%"]
        if made := self._done - self._first:  # a first step that is measured is not counted yet
            rate = made / max(now - self._began, 1e-9)
            left = duration(max(self._steps - self._done, 0) / rate)
            shown += [speed(rate), f"ETA {left}" if self._done < self._steps else f"took {duration(now - self._began)}"]
        self._print("  ".join([*shown, str(self._recent)]).rstrip())

    def _print(self, line: str) -> None:
        print(line if self._run is None else f"{self._run}  {line}", file=self._stream, flush=True)


class Silence:
    """Shows nothing."""

    def begin_phase(self, stage: str, phase: str, steps: int, done: int) -> None:
        """Show nothing."""

    def advance(self) -> None:
        """Show nothing."""

    def measure(self, rows: str) -> None:
        """Show nothing."""

    def scalars(self, values: Mapping[str, float]) -> None:
        """Show nothing."""

    def close(self) -> None:
        """Show nothing."""


def display(choice: str, run: str) -> Display:
    """Return the display for the option ``tracker.progress``.

    ``auto`` prints a line now and then in a child process of a pool, whose runs share a terminal, draws a bar if
    standard error is a terminal that can (`draws_anew`), and prints lines otherwise.

    Args:
        choice: the option.
        run: the run's name, with which the lines of a pool begin.
    """
    shared = multiprocessing.parent_process() is not None
    few = choice == "auto" and shared
    if choice == "auto":
        choice = "bar" if draws_anew() and not shared else "lines"
    if choice == "none":
        return Silence()
    return Bar() if choice == "bar" else Lines(run=run if shared else None, few=few)
