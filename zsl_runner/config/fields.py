"""Dataclass fields that carry their own range, choices and documentation.

OmegaConf checks types; what a value may *be* stands in the field's metadata, so that one walk over a
configuration finds every problem at once and the documentation tables are made from the same place.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

RULE = "zsl_runner.rule"


@dataclass(frozen=True)
class Rule:
    """What a field accepts beyond its type.

    Attributes:
        doc: one line for users: meaning, unit, which source uses which value.
        low: smallest accepted number; for a list, of each entry.
        high: largest accepted number; for a list, of each entry.
        above: if true ``low`` itself is refused.
        below: if true ``high`` itself is refused.
        choices: the accepted values, if only a few are.
        neutral: whether the default changes nothing, so that a run is the same with and without the key.
    """

    doc: str
    low: float | None = None
    high: float | None = None
    above: bool = False
    below: bool = False
    choices: tuple[Any, ...] | None = None
    neutral: bool = False

    def describe(self) -> str:
        """Return the accepted values in words, e.g. ``0 < value <= 1``; empty if there is no limit."""
        if self.choices is not None:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        lower = "" if self.low is None else f"{_number(self.low)} {'<' if self.above else '<='} "
        upper = "" if self.high is None else f" {'<' if self.below else '<='} {_number(self.high)}"
        return f"{lower}value{upper}" if lower or upper else ""

    def accepts(self, value: Any) -> bool:
        """Tell whether ``value`` (already of the right type), or each of its entries, is in range.

        None always is; NaN and infinity are in no range that has a limit.
        """
        if value is None:
            return True
        if isinstance(value, (dict, list, tuple)):
            entries = value.values() if isinstance(value, dict) else value
            return all(self.accepts(entry) for entry in entries)
        if self.choices is not None:
            return value in self.choices
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return True
        return self._reaches(value)

    def _reaches(self, value: float) -> bool:
        if isinstance(value, float) and not math.isfinite(value):  # an integer may be larger than any float
            return self.low is None and self.high is None
        too_low = self.low is not None and (value < self.low or (self.above and value == self.low))
        too_high = self.high is not None and (value > self.high or (self.below and value == self.high))
        return not (too_low or too_high)


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() and abs(value) < 1e15 else f"{value:g}"


def option(
    default: Any,
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    above: bool = False,
    below: bool = False,
    choices: Sequence[Any] | None = None,
    neutral: bool = False,
) -> Any:
    """Declare a configuration field with its default, meaning and accepted values.

    Args:
        default: the value used when no YAML file sets the key; a list is copied for each instance.
        doc: one line for users.
        low: smallest accepted number.
        high: largest accepted number.
        above: refuse ``low`` itself.
        below: refuse ``high`` itself.
        choices: accepted values.
        neutral: for a key that came later: with its default a run is what it was before, and keeps its hash.
    """
    rule = Rule(doc, low, high, above, below, None if choices is None else tuple(choices), neutral)
    if isinstance(default, list):
        return dataclasses.field(default_factory=lambda: list(default), metadata={RULE: rule})
    if isinstance(default, dict):
        return dataclasses.field(default_factory=lambda: dict(default), metadata={RULE: rule})
    return dataclasses.field(default=default, metadata={RULE: rule})


def section(kind: type, doc: str) -> Any:
    """Declare a nested block of options, ``kind()`` being its default."""
    return dataclasses.field(default_factory=kind, metadata={RULE: Rule(doc)})


def rule_of(field: dataclasses.Field[Any]) -> Rule:
    """Return the rule of a dataclass field; an empty one if it was declared without."""
    rule = field.metadata.get(RULE)
    return rule if isinstance(rule, Rule) else Rule("")


def neutral_defaults(schema: type) -> dict[str, Any]:
    """Return the keys of a schema whose default changes nothing, dotted where they are nested, with that default."""
    found: dict[str, Any] = {}
    for field in dataclasses.fields(schema):
        block: Any = field.default_factory
        if rule_of(field).neutral:
            found[field.name] = field.default
        elif isinstance(block, type) and dataclasses.is_dataclass(block):
            found |= {f"{field.name}.{key}": value for key, value in neutral_defaults(block).items()}
    return found
