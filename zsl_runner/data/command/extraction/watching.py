"""Shows how far a command is: a bar for a person, now and then a line for a file. Never imports torch."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from zsl_runner.tracking.progress import draws_anew, pause


class Watch:
    """Progress on standard error.

    Args:
        progress: the bar.
        task: its task.

    Attributes:
        done: how much is done.
        total: how much there is to do.
    """

    def __init__(self, progress: Progress, task: TaskID, total: int) -> None:
        self._progress = progress
        self._task = task
        self.total = total
        self.done = self._skipped = 0
        self._began = self._told = time.monotonic()

    def skip(self, count: int) -> None:
        """Count what had been done before."""
        self._skipped += count
        self._count(count)

    def advance(self, count: int) -> None:
        """Count what was done now."""
        self._count(count)
        now = time.monotonic()
        if self._progress.disable and now - self._told >= pause(now - self._began):
            self._told = now
            rate = (self.done - self._skipped) / (now - self._began)
            print(f"{self.done:,} of {self.total:,} pictures, {rate:.3g} a second", file=self._progress.console.file)

    def _count(self, count: int) -> None:
        self.done += count
        self._progress.update(self._task, completed=self.done)


@contextmanager
def watching(total: int) -> Iterator[Watch]:
    """Show progress inside the block."""
    console = Console(stderr=True)
    columns = (
        TextColumn("pictures"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(elapsed_when_finished=True),
    )
    with Progress(*columns, console=console, disable=not draws_anew()) as progress:
        yield Watch(progress, progress.add_task("pictures", total=total), total)
