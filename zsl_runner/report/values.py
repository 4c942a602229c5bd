"""When two configuration values are the same: as values, not as the text they happen to be written in."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

WORDS = {"true": True, "false": False, "null": None, "none": None, "~": None}


def meaning(value: Any) -> Hashable:
    """Return what two values share if and only if they mean the same.

    Numbers compare by size, whole or not; text that reads as a number, as true, false or null, or as a list of such,
    means what it reads as.

    >>> meaning("1e-5") == meaning(0.00001) == meaning("1.0e-05")
    True
    >>> meaning(1) == meaning(1.0), meaning(1) == meaning(True), meaning("null") == meaning(None)
    (True, False, True)
    >>> meaning("[16, 32.0]") == meaning([16, 32]), meaning("Adam") == meaning("adam")
    (True, False)
    """
    if isinstance(value, str):
        value = read(value)
    if isinstance(value, bool) or value is None:
        return ("word", value)
    if isinstance(value, (int, float)):
        return ("number", None if math.isnan(value) else value)
    if isinstance(value, (list, tuple)):
        return ("list", tuple(meaning(entry) for entry in value))
    if isinstance(value, Mapping):
        return ("mapping", frozenset((str(key), meaning(entry)) for key, entry in value.items()))
    return ("text", str(value))


def read(text: str) -> Any:
    """Return the number, word or list of such that a text reads as, or else the text without blanks around it."""
    text = text.strip()
    if text.lower() in WORDS:
        return WORDS[text.lower()]
    if text.startswith("[") and text.endswith("]"):
        return [read(entry) for entry in parted(text[1:-1])]
    for kind in (int, float):
        try:
            return kind(text)
        except (ValueError, OverflowError):
            continue
    return text.strip("'\"")


def parted(text: str) -> list[str]:
    """Return the parts of a text between its commas; those inside brackets part nothing.

    >>> parted("sgal/em,hidden=[16,32],lr=1e-3")
    ['sgal/em', 'hidden=[16,32]', 'lr=1e-3']
    """
    parts, depth = [""] if text.strip() else [], 0
    for letter in text if parts else "":
        depth += (letter in "[{(") - (letter in "]})")
        if letter == "," and depth <= 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts]
