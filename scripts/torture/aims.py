"""Moments at which a run is worth killing, seen from what a process asks of the operating system.

Python reports every open, rename and removal to audit hooks, whoever asks for it; so an aim does not depend on how the
package writes its files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

Event = Callable[[str, tuple[Any, ...]], bool]
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT


def _opened_for_writing(part: str) -> Event:
    def happens(event: str, details: tuple[Any, ...]) -> bool:
        if event != "open" or part not in str(details[0]):
            return False
        flags = details[2] if len(details) > 2 and isinstance(details[2], int) else 0
        return bool(flags & _WRITES)

    return happens


def _renamed(part: str) -> Event:
    return lambda event, details: event == "os.rename" and part in str(details[1])


EVENTS: Final[dict[str, Event]] = {
    "writing a checkpoint": _opened_for_writing("/checkpoints/"),
    "renaming a checkpoint": _renamed("/checkpoints/"),
    "replacing the record": _renamed("result.json"),
    "writing the table": _opened_for_writing("metrics.csv"),
    "drawing": _opened_for_writing("/figures/"),
    "removing an old checkpoint": lambda event, details: event == "os.remove" and "/checkpoints/" in str(details[0]),
}


def announcing(name: str, count: int) -> Callable[[int], None]:
    """Return a hook that writes to its pipe when the event of a name happens for the ``count``-th time."""
    happens, left = EVENTS[name], [count]

    def hook(pipe: int) -> None:
        def look(event: str, details: tuple[Any, ...]) -> None:
            if event in ("open", "os.rename", "os.remove") and happens(event, details):
                left[0] -= 1
                if left[0] == 0:
                    os.write(pipe, b"!")

        sys.addaudithook(look)

    return hook


def announcing_the_test(pipe: int) -> None:
    """Write to the pipe when the run begins to read the test rows."""
    from zsl_runner.runs.stage import StageRun

    test = StageRun.test

    def announced(self: StageRun, *arguments: Any) -> None:
        os.write(pipe, b"!")
        test(self, *arguments)

    StageRun.test = announced  # type: ignore[assignment,method-assign]


def noting_checkpoints(file: Path) -> Callable[[int], None]:
    """Return a hook that appends the name of every checkpoint that appears to ``file``."""

    def hook(_: int) -> None:
        log = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

        def look(event: str, details: tuple[Any, ...]) -> None:
            if event == "os.rename" and "step-" in (name := os.path.basename(str(details[1]))):
                os.write(log, f"{name}\n".encode())

        sys.addaudithook(look)

    return hook
