"""Reads a table of numbers with a column of names from a .csv file."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np

from zsl_runner.data.sources.xlsa17.matlab import Value
from zsl_runner.errors import DataError
from zsl_runner.files.names import read_rows

MATRIX: Final = "numbers"
"""The variable that all columns of numbers make."""
TEXT_COLUMNS: Final = ("names", "name", "labels", "label", "class", "files", "file")
"""Headings of columns that are text, whatever is in them."""
LEAST_COUNTED: Final = 3
"""Columns from which on a first line 0, 1, 2 is taken for a heading; 0, 1 may be a row of a small table."""
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf)", re.IGNORECASE)


def read_table(path: Path) -> dict[str, Value]:
    """Return the columns of text by their headings, and all columns of numbers as one matrix.

    The first line is one of headings if anything in it beside the first cell is no number, if it names a column of
    text, or if its first cell is empty. A first column without numbers is one of names, whatever its heading.

    Raises:
        DataError: lines of different lengths, text where a number is expected, a column without heading, columns that
            are counted instead of named.
    """
    rows = read_rows(path, "numbers")
    if not rows:
        raise DataError(f"{path}: expected a table, found no line")
    for number, row in enumerate(rows, 1):
        if len(row) != len(rows[0]):
            raise DataError(f"{path}: row {number}: expected {len(rows[0])} cells as in the first, found {len(row)}")
    if len(rows[0]) == 1 and re.search(r"[;\t]", rows[0][0]):
        raise DataError(f"{path}: expected commas between cells, found {rows[0][0][:40]!r}")
    has_headings = any(not _is_number(cell) for cell in rows[0][1:]) or rows[0][0].casefold() in ("", *TEXT_COLUMNS)
    if len(rows) > 1 and len(rows[0]) >= LEAST_COUNTED and rows[0] == [str(place) for place in range(len(rows[0]))]:
        raise DataError(
            f"{path}: row 1: expected numbers of the data or names of columns, found 0, 1 to {len(rows[0]) - 1}, as "
            "pandas counts columns; write the table without them (header=False in pandas), or with names of columns"
        )
    headings = [cell.casefold() for cell in rows.pop(0)] if has_headings else [MATRIX] * len(rows[0])
    if "" in headings:
        raise DataError(
            f"{path}: column {headings.index('') + 1} has no heading; name it, or leave it out (index=False in pandas)"
        )
    found: dict[str, Value] = {}
    numbers = []
    for column, heading in enumerate(headings):
        cells = tuple(row[column] for row in rows)
        if heading in TEXT_COLUMNS or (column == 0 and cells and not all(map(_is_number, cells))):
            name = heading if heading in TEXT_COLUMNS else "names"
            if name in found:
                raise DataError(f"{path}: expected one column {name}, found two")
            found[name] = cells
            continue
        wrong = next((place for place, cell in enumerate(cells) if not _is_number(cell)), None)
        if wrong is not None:
            raise DataError(
                f"{path}: row {wrong + 1 + has_headings}, column {column + 1}: expected a number, found "
                f"{cells[wrong]!r}; columns of text are called {', '.join(TEXT_COLUMNS)}"
            )
        numbers.append([float(cell) for cell in cells])
    if numbers:
        found[MATRIX] = np.array(numbers, dtype=np.float64).T
    return found


def _is_number(cell: str) -> bool:
    return _NUMBER.fullmatch(cell) is not None
