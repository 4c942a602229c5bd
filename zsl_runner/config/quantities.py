"""What a recorded metric is: its unit, its better direction, its decimals. A record describes itself."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from zsl_runner.config.schema import Quantity

STANDARD_ERROR = "_se"
"""End of the name of a standard error: ``NCLL_se`` belongs to ``NCLL`` and is of its unit."""

KNOWN = frozenset(entry.name for entry in fields(Quantity))


def quantity_of(tag: str, recorded: Mapping[str, Any]) -> Quantity:
    """Return what a metric is: what was recorded under its name; else an accuracy in per cent, larger is better.

    A metric made from another one has its quantity unless it has one of its own: a standard error, and the best value
    an oracle saw.

    >>> quantity_of("oracle/best_NCLL", {"NCLL": {"unit": "nats", "lower_is_better": True, "digits": 2}})
    Quantity(unit='nats', lower_is_better=True, digits=2)
    >>> quantity_of("test/H", {}).unit
    'per cent'

    Args:
        tag: e.g. ``test/NCLL``.
        recorded: ``quantities`` of a record: fields of a `Quantity` by name without prefix; fields this version does
            not know are left out.
    """
    name = tag.partition("/")[2]
    plain = name.removesuffix(STANDARD_ERROR)
    for candidate in (name, plain, plain.removeprefix("best_")):
        if isinstance(recorded.get(candidate), Mapping):
            return Quantity(**{key: value for key, value in recorded[candidate].items() if key in KNOWN})
    return Quantity()


def is_standard_error(tag: str) -> bool:
    """Tell whether a metric is the standard error of another one.

    >>> is_standard_error("test/NCLL_se"), is_standard_error("test/NCLL")
    (True, False)
    """
    return tag.endswith(STANDARD_ERROR)


def title(tag: str) -> str:
    """Return a metric's column title; oracle and validation metrics say what they are.

    >>> title("test/H"), title("oracle/H_cal"), title("val/H")
    ('H', 'oracle H_cal', 'val H')
    """
    return tag.removeprefix("test/").replace("/", " ")
