"""What a recorded metric is: its unit, its better direction, its decimals. A record describes itself."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from zsl_runner.config.problems import closest

STANDARD_ERROR = "_se"
"""End of the name of a standard error: ``NCLL_se`` belongs to ``NCLL`` and is of its unit."""


@dataclass(frozen=True)
class Quantity:
    """How a metric is shown and compared.

    Attributes:
        unit: e.g. ``per cent`` or ``nats``.
        lower_is_better: whether the smaller value wins.
        digits: decimals in tables.
        ranked: whether one value is better than another. A metric that only describes is in bold in no table, and
            no search goes by it.
    """

    unit: str = "per cent"
    lower_is_better: bool = False
    digits: int = 1
    ranked: bool = True

    def merit(self, value: float) -> float:
        """Return a value of the metric with the sign that makes the larger one better."""
        return -value if self.lower_is_better else value


KNOWN = frozenset(entry.name for entry in fields(Quantity))

PRIOR_ERROR = {"prior_error": Quantity(lower_is_better=True)}
"""What stands among accuracies and is none; old records do not tell of it."""


def quantity_of(tag: str, recorded: Mapping[str, Any]) -> Quantity:
    """Return what a metric is: what was recorded under its name; else an accuracy in per cent, larger is better.

    A metric made from another one has its quantity unless it has one of its own: a standard error, and the best value
    an oracle saw.

    >>> quantity_of("oracle/best_NCLL", {"NCLL": {"unit": "nats", "lower_is_better": True, "digits": 2}})
    Quantity(unit='nats', lower_is_better=True, digits=2, ranked=True)
    >>> quantity_of("test/H", {}).unit
    'per cent'

    Args:
        tag: e.g. ``test/NCLL``.
        recorded: ``quantities`` of a record: fields of a `Quantity` by name without prefix; fields this version does
            not know are left out.
    """
    name = tag.partition("/")[2]
    plain = name.removesuffix(STANDARD_ERROR)
    measured = plain.removeprefix("best_")
    for candidate in (name, plain, measured):
        if isinstance(recorded.get(candidate), Mapping):
            return Quantity(**{key: value for key, value in recorded[candidate].items() if key in KNOWN})
    return PRIOR_ERROR.get(measured, Quantity())


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


def not_measured(key: str, names: Sequence[str], metrics: Iterable[str]) -> str:
    """Return in words that a validation has not measured what an option names, with what it has and what may be meant.

    Args:
        key: the option.
        names: tags that are not among the metrics.
        metrics: tags of what was measured.

    >>> print(not_measured("objectives", ["val/AUC"], ["val/AUSUC", "val/H", "train/loss"]))
    objectives: val/AUC was not measured on validation data (did you mean val/AUSUC?); measured: val/AUSUC, val/H
    """
    measured = [tag for tag in metrics if tag.startswith("val/")]
    bare = [tag.removeprefix("val/") for tag in measured]  # the prefix would make all names alike
    alike = dict.fromkeys(found for name in names if (found := closest(name.removeprefix("val/"), bare)))
    meant = f" (did you mean {', '.join(f'val/{name}' for name in alike)}?)" if alike else ""
    return (
        f"{key}: {', '.join(names)} was not measured on validation data{meant}; "
        f"measured: {', '.join(measured) or 'nothing whose name begins with val/'}"
    )
