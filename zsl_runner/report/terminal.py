"""Reports on a terminal: aligned tables."""

from __future__ import annotations

import io
import shutil
import sys
from collections.abc import Iterable, Sequence

from rich import box
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

from zsl_runner.console.terminal import expressible
from zsl_runner.report.difference import Comparison
from zsl_runner.report.formats import WORDS, cells_of, facts_of, said
from zsl_runner.report.table import Report
from zsl_runner.report.text import one_line

NARROWEST = 40
WIDEST_WORDS = 24
"""Columns that words are given before numbers move to a further table; on a narrow terminal a third of it."""
SHARED = ("trainer", "selection")
"""Columns that a table lacks where all of its rows have the same word there."""
Part = Table | Text | str


def aligned(report: Report) -> str:
    """Return aligned tables per block, no wider than the terminal, then units and notes, each in one line.

    The best mean of a block is bold. Words that all rows share stand above the table, and metrics for which the
    terminal is too narrow in a further table of the same rows.
    """
    parts: list[Part] = []
    for block in report.blocks:
        header, rows = cells_of(block, lambda text: f"[bold]{text}[/bold]", _plain, report.detailed)
        shared = [
            place for place in range(len(header)) if header[place] in SHARED and len({r[place] for r in rows}) == 1
        ]
        facts = " ".join([facts_of(block), *(f"{header[place].capitalize()}: {rows[0][place]}." for place in shared)])
        parts += [f"[bold]{_plain(block.title['dataset'])}[/bold], {_plain(facts)}", ""]
        kept = [place for place in range(len(header)) if place not in shared]
        cells = [[expressible(row[place]) for place in kept] for row in rows]
        for page in tables([header[place] for place in kept], cells):
            parts += [page, ""]
    if not report.blocks:
        parts = ["No complete run with these metrics.", ""]
    else:
        parts += [_plain(said(report)), ""]
    if report.notes:
        parts += ["Not in the tables, or worth knowing:", *(Text(one_line(f"- {note}")) for note in report.notes), ""]
    return printed(parts[:-1])


def side_by_side(comparison: Comparison) -> str:
    """Return two runs beside one another; long values are broken, not cut."""
    parts: list[Part] = [Text(one_line(line)) for line in comparison.intro]
    for part in comparison.parts:
        made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
        for place, name in enumerate(part.header):
            made.add_column(escape(name), justify="right" if place else "left", overflow="fold")
        for row in part.rows:
            made.add_row(*map(_plain, row))
        parts += ["", f"[bold]{part.title}[/bold]", "", made]
    return printed(parts)


def tables(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[Table]:
    """Return the rows in as few tables as the terminal's width allows, each of which begins with the words.

    Args:
        header: plain names of the columns.
        rows: their cells, in rich's markup.
    """
    words = [place for place, name in enumerate(header) if name in WORDS]
    others = [place for place in range(len(header)) if place not in words]
    pages: list[list[int]] = [[]]
    for place in others:
        if pages[-1] and _narrowest(_table(header, rows, [*words, *pages[-1], place])) > _width():
            pages.append([])
        pages[-1].append(place)
    return [_table(header, rows, [*words, *page]) for page in pages]


def _table(header: Sequence[str], rows: Sequence[Sequence[str]], places: Sequence[int]) -> Table:
    """Return a table of some of the columns; numbers are aligned right and never broken."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, padding=(0, 1, 0, 0))
    for place in places:
        name = header[place]
        longest = max(len(Text.from_markup(text).plain) for text in (escape(name), *(row[place] for row in rows)))
        if name in WORDS:
            made.add_column(escape(name), min_width=min(longest, WIDEST_WORDS, _width() // 3), overflow="fold")
        else:
            made.add_column(escape(name), justify="right", no_wrap=True, min_width=longest)
    for row in rows:
        made.add_row(*(row[place] for place in places))
    return made


def _narrowest(table: Table) -> int:
    console = Console(width=sys.maxsize)
    return Measurement.get(console, console.options, table).minimum


def _width() -> int:
    return max(shutil.get_terminal_size().columns, NARROWEST)


def printed(parts: Iterable[Part]) -> str:
    """Return what a terminal shows of tables, words and lines of markup, without colour where standard output is none.

    Markup is wrapped; words are left to the terminal to wrap, so that paths and commands can be copied.
    """
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=_width(),
        force_terminal=sys.stdout.isatty(),
        force_jupyter=False,
        highlight=False,
        emoji=False,
    )
    for part in parts:
        shown = Text.from_markup(part, emoji=False) if isinstance(part, str) else part
        console.print(shown, soft_wrap=isinstance(part, Text))
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()) + "\n"


def _plain(text: str) -> str:
    return escape(one_line(text))
