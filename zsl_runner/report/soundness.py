"""Whether a record can be worked with: what is inside its fields, which damage or another program may have changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from zsl_runner.result import STATES, Result

LARGEST: Final = 1e100
"""Sums of squares of larger numbers would overflow; no figure or cost is as large."""
MOST_DIGITS: Final = 20


def record_problems(result: Result) -> Iterable[str]:
    """Yield what in a record is not as a run writes it (``field: expected ..., found ...``)."""
    if result.status not in STATES:
        yield f"status: expected one of {', '.join(STATES)}, found {result.status!r:.80}"
    if isinstance(result.seed, bool):
        yield f"seed: expected a whole number, found {result.seed}"
    for name, values in (("metrics", result.metrics), ("validation", result.validation)):
        yield from _wrong(name, values, _is_figure, "a number")
    yield from _wrong("cost", result.cost, _is_cost, "numbers that are not negative")
    yield from _wrong("quantities", result.quantities, _is_quantity, "unit, lower_is_better and digits")
    yield from _wrong("error", result.error or {}, lambda value: isinstance(value, str), "text")
    files = result.data.get("files", [])
    if not isinstance(files, list) or not all(isinstance(file, Mapping) for file in files):
        yield f"data.files: expected a list of files, found {files!r:.80}"


def _wrong(name: str, values: Mapping[str, Any], is_sound: Callable[[Any], bool], expected: str) -> Iterable[str]:
    for key, value in values.items():
        if not is_sound(value):
            yield f"{name}: {key}: expected {expected}, found {value!r:.80}"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _is_figure(value: Any) -> bool:
    """NaN stands for null, which a figure that could not be measured is written as."""
    return _is_number(value) and (value != value or abs(value) < LARGEST)


def _is_cost(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_is_cost(entry) and not isinstance(entry, Mapping) for entry in value.values())
    return value is None or (_is_number(value) and 0 <= value < LARGEST)


def _is_quantity(value: Any) -> bool:
    if not isinstance(value, Mapping):  # of another version; not used
        return True
    digits = value.get("digits", 1)
    return (
        isinstance(value.get("unit", ""), str)
        and isinstance(value.get("lower_is_better", False), bool)
        and _is_number(digits)
        and digits in range(MOST_DIGITS)
    )
