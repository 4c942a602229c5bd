"""What was done to data, and what should come of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

Records = dict[str, Any]


def same(records: Records) -> Records:
    """Return the records unchanged: the mutation means nothing."""
    return records


@dataclass(frozen=True)
class Mutation:
    """A mutation that has been made.

    Attributes:
        told: where, in words.
        names: of these a refusal must name one: the file, or the folder where there is no file.
        expected: makes the right records from those of the sound files; None if there are none and it must be refused.
        may_be_refused: whether a refusal is right.
        options: further options of the data set.
    """

    told: str
    names: tuple[str, ...]
    expected: Callable[[Records], Records] | None = None
    may_be_refused: bool = True
    options: tuple[str, ...] = ()


def harmless(told: str) -> Mutation:
    """Return a mutation that changes nothing and must be taken."""
    return Mutation(told, (), same, may_be_refused=False)


def one_of(draw: np.random.Generator, root: Path, pattern: str) -> Path:
    """Return one of the files of a pattern."""
    files = sorted(path for path in root.rglob(pattern) if path.is_file())
    return files[draw.integers(len(files))]


def cut(draw: np.random.Generator, path: Path) -> str:
    """Cut a file at a random place and say where."""
    content = path.read_bytes()
    size = int(draw.integers(0, len(content)))
    path.write_bytes(content[:size])
    return f"{path.name} cut to {size} of {len(content)} bytes"


def flip(draw: np.random.Generator, path: Path, start: int = 0, end: int | None = None) -> str:
    """Change one bit of a file and say where."""
    content = bytearray(path.read_bytes())
    place = int(draw.integers(start, len(content) if end is None else min(end, len(content))))
    content[place] ^= 1 << int(draw.integers(8))
    path.write_bytes(bytes(content))
    return f"a bit of byte {place} of {path.name}"
