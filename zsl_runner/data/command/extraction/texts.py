"""Class names and descriptions from a text file or a table. Never imports torch."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from zsl_runner.errors import ConfigError, DataError
from zsl_runner.files.names import read_names, read_rows, some

NAME: Final = "name"
DESCRIPTION: Final = "description"
_NUMBER = re.compile(r"^\d+\.(?=\D)")
"""Before a name, as in the folders of CUB."""


def class_texts(path: Path, templates: Sequence[str]) -> dict[str, list[str]]:
    """Return the texts that describe each class, by name, in the order of the file.

    Args:
        path: a text file with a name in each line; or a table (.csv) with a column ``name`` and perhaps one
            ``description``, which may have several rows for a class.
        templates: texts with ``{}``, into which the name is put as `spoken`; without any, the name is the text.
            Descriptions are taken as they are.

    Raises:
        ConfigError: a template has no ``{}``, or would not be used because there are descriptions.
        DataError: the file cannot be read, has no names, or names a class twice without another description.
    """
    if lacking := [template for template in templates if "{}" not in template]:
        raise ConfigError(f"--template: expected {{}} where the name goes, found {lacking[0]!r}")
    found: dict[str, list[str]] = {}
    rows = _rows(path)
    if templates and any(description is not None for _, description in rows):
        raise ConfigError(f"--template: {path} has descriptions, which are taken as they are; leave the option out")
    for name, description in rows:
        texts = (
            [template.replace("{}", spoken(name)) for template in templates or ["{}"]]
            if description is None
            else [description]
        )
        if not set(texts).isdisjoint(found.get(name, ())):
            raise DataError(f"{path}: expected each class once, or with other descriptions, found {name!r} again")
        found.setdefault(name, []).extend(texts)
    if not found:
        raise DataError(f"{path}: expected the name of a class in each line, found none")
    return found


def spoken(name: str) -> str:
    """Return a folder's name as a person writes it.

    >>> spoken("001.Black_footed_Albatross"), spoken("grizzly+bear")
    ('Black footed Albatross', 'grizzly bear')
    """
    return " ".join(re.sub(r"[_+]", " ", _NUMBER.sub("", name)).split())


def _rows(path: Path) -> list[tuple[str, str | None]]:
    if path.suffix.lower() != ".csv":
        return [(name, None) for name in read_names(path, "class names")]
    header, *lines = read_rows(path, "class names") or [[]]
    header = [cell.lower() for cell in header]
    if NAME not in header:
        raise DataError(
            f"{path}: expected a column {NAME!r}, and perhaps {DESCRIPTION!r}, found {some(header) or 'none'}"
        )
    rows: list[tuple[str, str | None]] = []
    for number, line in enumerate(lines, start=2):
        if len(line) != len(header):
            raise DataError(f"{path}: expected {len(header)} cells in each row, found {len(line)} in row {number}")
        cells = dict(zip(header, line, strict=True))
        name, description = cells[NAME], cells.get(DESCRIPTION)
        if not name or description == "":
            raise DataError(f"{path}: row {number}: expected a {NAME if not name else DESCRIPTION}, found none")
        rows.append((name, None if description is None else " ".join(description.split())))
    return rows
