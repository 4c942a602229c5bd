"""The progress of a phase as a bar on a terminal, the latest numbers in words beside it as far as there is room."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from copy import deepcopy

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress_bar import ProgressBar
from rich.table import Column, Table
from rich.text import Text

ACCURACIES = ("val/T1", "val/H", "test/H")
MOST_TERMS = 5
BAR_SECONDS = 0.1
LONGEST_BAR = 30
SHORTEST_BAR = 4
BESIDE_THE_BAR = 64
"""Columns of the terminal for phase, counts, percentage, speed and time left; the bar takes half of the others."""
GIVING_WAY = (1, 4, 3, 5, 0)
"""Which columns a narrow terminal lacks first: bar, speed, percentage, time left, phase; the counts always stay."""


def speed(rate: float) -> str:
    """Return steps per second in words, with three digits, or more where they stand before the point.

    >>> speed(0.5), speed(37.84), speed(999.7), speed(12345.6)
    ('0.5 steps/s', '37.8 steps/s', '1000 steps/s', '12346 steps/s')
    """
    return f"{rate:.3g} steps/s" if rate < 100 else f"{rate:.0f} steps/s"


class Recent:
    """The latest values in words: terms of the loss of the running phase and the validation metrics.

    Attributes:
        measured: the rows that are measured now; empty between two measurements.
    """

    def __init__(self) -> None:
        self.measured = ""
        self._terms: dict[str, float] = {}
        self._metrics: dict[str, float] = {}
        self._stage = ""

    def copy(self) -> Recent:
        """Return the values as they are now."""
        return deepcopy(self)

    def begin_phase(self, stage: str) -> None:
        """Forget the terms of the phase before, and the metrics of the stage before."""
        self.measured = ""
        self._terms = {}
        if stage != self._stage:
            self._stage, self._metrics = stage, {}

    def take(self, values: Mapping[str, float]) -> None:
        """Keep the terms among ``values``, and the accuracies or, where there are none, the first metric."""
        self.measured = ""
        self._terms |= {name: value for name, value in values.items() if "/" not in name}
        metrics = {name: value for name, value in values.items() if name.startswith(("val/", "test/"))}
        accuracies = {name: value for name, value in metrics.items() if name in ACCURACIES}
        self._metrics |= accuracies or dict(list(metrics.items())[:1])

    def __str__(self) -> str:
        return "  ".join(self._words(MOST_TERMS))

    def fitting(self, width: int) -> str:
        """Return as many of the values, whole ones, as fit into so many characters: the last terms give way first."""
        for terms in range(MOST_TERMS, -1, -1):
            shown = "  ".join(self._words(terms))
            if len(shown) <= width:
                return shown
        words = self._words(0)
        while words and len("  ".join(words)) > width:
            words.pop()
        return "  ".join(words)

    def _words(self, terms: int) -> list[str]:
        shown = [f"{name} {value:.4g}" for name, value in list(self._terms.items())[:terms]]
        metrics = [f"{name} {value:{'.1f' if name in ACCURACIES else '.4g'}}" for name, value in self._metrics.items()]
        return [f"measuring {self.measured} rows"] * bool(self.measured) + shown + metrics


class _Values:
    """The recent values of a phase, as many as fit into the columns that the others leave over.

    Args:
        recent: the values.
    """

    def __init__(self, recent: Recent) -> None:
        self._recent = recent

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(0, min(len(str(self._recent)), options.max_width))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        yield Text(self._recent.fitting(options.max_width), style="dim", no_wrap=True)


class _ValuesColumn(ProgressColumn):
    """The column that gives way first on a narrow terminal."""

    def render(self, task: Task) -> _Values:
        return _Values(task.fields["values"])


class _FittingBar(BarColumn):
    """A bar that is as short as the terminal is narrow.

    Args:
        console: the terminal.
    """

    def __init__(self, console: Console) -> None:
        super().__init__(bar_width=LONGEST_BAR)
        self._console = console

    def render(self, task: Task) -> ProgressBar:
        self.bar_width = min(max((self._console.width - BESIDE_THE_BAR) // 2, SHORTEST_BAR), LONGEST_BAR)
        return super().render(task)


class _Line(Progress):
    """The line of one phase.

    It is drawn again and again in its place, which terminals that know nothing of lines above (those of notebooks) can
    do, too. Where the terminal is too narrow for all columns, it lacks some, and shows the others whole.

    Args:
        console: the terminal.
        widths: the largest width of each column in this line and those before, by place.
    """

    def __init__(self, console: Console, widths: dict[int, int]) -> None:
        self._terminal, self._widths = console, widths
        self._columns: tuple[ProgressColumn, ...] = (
            TextColumn("{task.description}"),
            _FittingBar(console),
            MofNCompleteColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(elapsed_when_finished=True),
            _ValuesColumn(),
        )
        # Words for a file stay out of the terminal.
        super().__init__(console=console, refresh_per_second=4, redirect_stdout=sys.stdout.isatty())

    def make_tasks_table(self, tasks: Iterable[Task]) -> Table:
        """Return the line with as many columns as fit."""
        rows = [[column(task) for column in self._columns] for task in tasks]
        for row in rows:
            self._measure(row)
        places = list(range(len(self._columns)))
        for place in GIVING_WAY:
            if sum(self._widths.get(other, 0) + 1 for other in places) <= self._terminal.width:
                break
            places.remove(place)
        last = len(self._columns) - 1
        columns = (Column(no_wrap=place != last, min_width=self._widths.get(place)) for place in places)
        grid = Table.grid(*columns, padding=(0, 1))
        for row in rows:
            grid.add_row(*(row[place] for place in places))
        return grid

    def _measure(self, row: Iterable[RenderableType]) -> None:
        for place, cell in enumerate(row):
            if isinstance(cell, Text):
                self._widths[place] = max(self._widths.get(place, 0), cell.cell_len)
            elif isinstance(cell, ProgressBar):
                self._widths[place] = cell.width or 0


class Bar:
    """One rich bar per phase on standard error."""

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._recent = Recent()
        self._console = console or Console(stderr=True, soft_wrap=True)
        self._widths: dict[int, int] = {}
        self._line: _Line | None = None
        self._task = TaskID(0)
        self._done = self._first = 0
        self._began = self._next = self._latest = 0.0

    def begin_phase(self, stage: str, phase: str, steps: int, done: int) -> None:
        """Leave the bar of the phase before as it is and start another."""
        self.close()
        self._recent.begin_phase(stage)
        self._done = self._first = done
        self._began = self._latest = self._clock()
        self._next = self._began + BAR_SECONDS
        self._line = _Line(self._console, self._widths)
        self._task = self._line.add_task(f"{stage}/{phase}", total=steps, completed=done, rate="", values=Recent())
        self._line.start()

    def advance(self) -> None:
        """Count a step; redraw at most ten times a second."""
        self._done += 1
        self._latest = now = self._clock()
        if now >= self._next:
            self._next = now + BAR_SECONDS
            self._show()

    def measure(self, rows: str) -> None:
        """Say beside the bar, which stands still meanwhile, that these rows are measured."""
        self._recent.measured = rows
        self._show()

    def scalars(self, values: Mapping[str, float]) -> None:
        """Show these values beside the bar."""
        self._recent.take(values)

    def close(self) -> None:
        """Draw the last state and give the terminal back."""
        self._show()
        if self._line is not None:
            self._line.live.stop()  # that of the whole would add an empty line where there is no terminal
            self._line = None

    def _show(self) -> None:
        if self._line is not None:
            rate = (self._done - self._first) / max(self._latest - self._began, 1e-9)
            self._line.update(self._task, completed=self._done, rate=speed(rate), values=self._recent.copy())
