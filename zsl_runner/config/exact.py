"""Values that a typed option would take otherwise than they were given, silently; here they are refused.

OmegaConf converts where it can: it reads over ``???``, makes text of numbers and truth of any number. What is taken
must arrive as it was given.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from zsl_runner.config.words import Shape

MISSING = "???"
LARGEST = 2**63 - 1
"""No counter, seed or size is larger, here or in the libraries."""


def objection(value: Any, shape: Shape, written: str | None) -> str:
    """Return why a value would not arrive as it is; empty if it would, or if its type is wrong anyway.

    Args:
        value: what a file or an argument gives.
        shape: what the option holds.
        written: the text behind ``key=`` on the command line; None elsewhere.
    """
    for entry in _entries(value):
        if entry == MISSING:
            return f"{MISSING} stands for a missing value and would be ignored; give a value, or leave it out"
        if shape.item is str and isinstance(entry, bool):
            return f"expected text, found {str(entry).lower()}; quote it if it is meant as text"
        if shape.item is str and isinstance(entry, (int, float)) and written not in (None, str(entry)):
            return f"expected text, found the number {entry}; quote it if it is meant as text"
        if shape.item is bool and isinstance(entry, int) and entry not in (0, 1):
            return f"expected true or false, found {entry}"
        if shape.item is float and isinstance(entry, int) and not _is_exact(entry):
            return f"no floating-point number is {entry}; write it as one, e.g. 1e20"
    return ""


def beyond(value: Any, default: Any) -> str:
    """Return what was expected of a value that no option can use; empty if there is nothing to say.

    Args:
        value: of the right type and in the option's range.
        default: the option's default; an empty text is used only where it is the default.
    """
    for entry in _entries(value):
        if isinstance(entry, float) and not math.isfinite(entry):
            return "a finite number"
        if isinstance(entry, int) and abs(entry) > LARGEST:
            return f"at most {LARGEST}"
        if isinstance(entry, str) and not entry.strip() and default != "":
            return "text that is not empty" + (", or null" if default is None else "")
    return ""


def _entries(value: Any) -> Iterable[Any]:
    """Yield a value, or the entries of lists and mappings inside it."""
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, (list, tuple)):
        for entry in value:
            yield from _entries(entry)
    else:
        yield value


def _is_exact(number: int) -> bool:
    try:
        return float(number) == number
    except OverflowError:
        return False
