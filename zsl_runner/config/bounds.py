"""Bounds of what is read: nested or multiplied beyond them, input is refused, and would exhaust Python."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from zsl_runner.errors import RunError

DEEPEST = 32
"""Levels of nesting; a whole configuration has seven."""
MOST = 100_000
"""Values in a file, counted as often as aliases repeat them."""
LARGEST = 2**22
"""Bytes of a run's configuration; usual ones have a few thousand."""
_SEED = re.compile(rb"^seed: (0|[1-9]\d{0,17})$", re.MULTILINE)
_STAND_IN = 7_918_273_645_564_738_291
"""In the place of a seed; one that is found under another key, or inside a text, does not come back as the seed."""
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def check_file(path: Path) -> None:
    """Look through a YAML file before it is loaded; whether it is valid is for the loader to say.

    Raises:
        RunError: the file cannot be read, or is out of bounds.
    """
    try:
        found = excess(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}") from error
    if found:
        raise RunError(f"{path}: {found}")


def read_configuration(path: Path) -> dict[Any, Any]:
    """Return what the ``config.yaml`` of a run holds, of which nothing may be changed.

    Raises:
        RunError: the file cannot be read, is out of bounds, or is no configuration.
    """
    try:
        if not path.is_file() or path.stat().st_size > LARGEST:  # reading a pipe would never end
            raise ValueError("no file a run has written")
        return _content(path.read_bytes())
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}") from error
    except (yaml.YAMLError, ValueError, TypeError, RecursionError, OverflowError) as error:
        reason = "".join(letter if letter.isprintable() else " " for letter in str(error))
        raise RunError(f"{path}: expected a configuration, found a damaged one ({reason})") from error


def _content(text: bytes) -> dict[Any, Any]:
    """Return what a configuration holds; those of runs that differ in the seed alone are parsed once."""
    seed = _SEED.search(text)
    if seed is not None:
        content = _parsed(text[: seed.start(1)] + str(_STAND_IN).encode() + text[seed.end(1) :])
        if content.get("seed") == _STAND_IN:
            return content | {"seed": int(seed[1])}
    return _parsed(text)


@lru_cache(maxsize=256)
def _parsed(text: bytes) -> dict[Any, Any]:
    if found := excess(text):
        raise ValueError(found)
    content = yaml.load(text, Loader=_Loader)  # a safe loader
    if not isinstance(content, dict):
        raise ValueError(f"expected keys and values, found {type(content).__name__}")
    return content


def excess(text: str | bytes) -> str:
    """Return what is too much about a YAML text; nothing if it is within the bounds or no YAML.

    >>> excess("[" * 99)
    'nested deeper than 32 levels'
    """
    sizes, anchors = [0], list[str]()
    known: dict[str, int] = {}
    try:
        for event in yaml.parse(text, Loader=_Loader):
            if isinstance(event, yaml.CollectionStartEvent):
                sizes.append(1)
                anchors.append(event.anchor)
            elif isinstance(event, yaml.CollectionEndEvent):
                size = sizes.pop()
                known[anchors.pop()] = size
                sizes[-1] += size
            elif isinstance(event, yaml.AliasEvent):
                sizes[-1] += known.get(event.anchor, MOST)  # an alias of what it stands in has no end
            elif isinstance(event, yaml.ScalarEvent):
                known[event.anchor] = 1
                sizes[-1] += 1
            if len(anchors) > DEEPEST:
                return f"nested deeper than {DEEPEST} levels"
            if sizes[-1] >= MOST:
                return f"more than {MOST} values, counted as often as aliases repeat them"
    except (yaml.YAMLError, UnicodeError) as error:
        # libyaml has a limit of its own from 0.2.6 on, and reaches it before the first event.
        return f"nested deeper than {DEEPEST} levels" if "nesting depth" in str(error) else ""
    return ""


def is_deep(value: object, left: int = DEEPEST) -> bool:
    """Tell whether mappings and lists are nested too deeply.

    >>> is_deep([[1]]), is_deep([[1]], left=1)
    (False, True)
    """
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return left < 1 or any(is_deep(entry, left - 1) for entry in inside if isinstance(entry, (Mapping, list)))
