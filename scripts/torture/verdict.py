"""What became of one try."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

BAD = ("lost", "traceback", "silent", "other")


@dataclass(frozen=True)
class Verdict:
    """The outcome of a try.

    Attributes:
        kind: of the good ones ``refused`` (with a message that tells), ``equal`` (accepted, and right to the bit) or
            ``skipped`` (not possible on this machine); of the findings ``lost`` (work or a result is gone or differs),
            ``traceback``, ``silent`` (a wrong thing was accepted without a word) or ``other`` (a message that does not
            tell, something left behind, no end).
        what: what was tried.
        why: what is wrong, or why it was skipped.
    """

    kind: str
    what: str
    why: str = ""

    @property
    def is_finding(self) -> bool:
        """Tell whether something is to be mended."""
        return self.kind in BAD


class Found(Exception):
    """Ends a try with a finding.

    Args:
        kind: one of `BAD`.
        why: what is wrong.
    """

    def __init__(self, kind: str, why: str) -> None:
        super().__init__(why)
        self.kind = kind
        self.why = why


class Skip(Exception):
    """Ends a try that is not possible on this machine; the text says why."""


def require(condition: object, kind: str, why: str) -> None:
    """End the try with a finding unless the condition holds.

    Raises:
        Found: it does not.
    """
    if not condition:
        raise Found(kind, why)


@dataclass(frozen=True)
class Topic:
    """One kind of torture.

    Attributes:
        title: what is done, for the table.
        count: tries of a whole session.
        attempt: makes one try; it gets the number, a generator of its own, an empty folder, and a folder that all tries
            of the topic share. It returns ``refused`` or ``equal`` and what was tried, and raises `Found` or `Skip`.
        name: names the try of a number beforehand.
        fixed: whether the number of tries is that of a list, which no scale shortens.
    """

    title: str
    count: int
    attempt: Callable[[int, np.random.Generator, Path, Path], tuple[str, str]]
    name: Callable[[int], str] = str
    fixed: bool = False
