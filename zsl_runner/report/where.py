"""Conditions that runs must meet to be in a report: ``--where KEY=VALUE``."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from zsl_runner.errors import ConfigError
from zsl_runner.report.collect import Findings, FoundRun
from zsl_runner.report.groups import TRAITS, metric_of, tag_of
from zsl_runner.report.values import meaning, parted, read
from zsl_runner.runs.result import is_number

ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_CONDITION = re.compile(r"\s*([^=<>!\s]+)\s*(!=|<=|>=|=|<|>)(.*)", re.DOTALL)


@dataclass(frozen=True)
class Condition:
    """A comparison of what a run was or measured with given values.

    Attributes:
        key: a column of `TRAITS`, ``seed``, a metric, or a configuration key or its last parts.
        sign: ``=``, ``!=`` or one of `ORDERS`.
        values: what it is compared with; ``=`` asks for one of them, ``!=`` for none.
    """

    key: str
    sign: str
    values: tuple[Any, ...]

    def holds(self, run: FoundRun) -> bool:
        """Tell whether a run meets it; one without the key meets none but ``!=``."""
        found = _found(run, self.key)
        if self.sign in ORDERS:
            numbers = [read(value) if isinstance(value, str) else value for value in found]
            limit = self.values[0]
            return any(is_number(value) and ORDERS[self.sign](value, limit) for value in numbers)
        wanted: set[Hashable] = {meaning(value) for value in self.values}
        return any(meaning(value) in wanted for value in found) == (self.sign == "=")


def condition(text: str) -> Condition:
    """Read a condition.

    >>> condition("latent_dim=8,16").values, condition("seed<3")
    (('8', '16'), Condition(key='seed', sign='<', values=(3,)))

    Raises:
        ConfigError: it is none, or orders what is no number.
    """
    parts = _CONDITION.fullmatch(text)
    if parts is None:
        raise ConfigError(f"--where {text}: expected KEY=VALUE, KEY!=VALUE, or KEY<, <=, > or >= NUMBER")
    key, sign, right = parts.groups()
    if sign not in ORDERS:
        return Condition(key, sign, tuple(parted(right) or [""]))
    limit = read(right)
    if not is_number(limit):
        raise ConfigError(f"--where {text}: {sign} orders numbers; expected one, found {right.strip()!r}")
    return Condition(key, sign, (limit,))


def narrowed(findings: Findings, texts: Sequence[str]) -> Findings:
    """Return the runs that meet all conditions; what could not be read stays listed.

    Raises:
        ConfigError: a condition is none, or no run has its key.
    """
    runs = list(findings.runs)
    for text in texts:
        asked = condition(text)
        if runs and not any(_found(run, asked.key) for run in findings.runs):
            known = ", ".join(["seed", *TRAITS])
            raise ConfigError(
                f"--where {text}: no run has {asked.key}; expected one of {known}, a metric such as H or val/H, or a "
                "configuration key such as model.latent_dim or latent_dim"
            )
        runs = [run for run in runs if asked.holds(run)]
    return replace(findings, runs=runs)


def _found(run: FoundRun, key: str) -> list[Any]:
    """Return what a run has under a key; several values where several keys end with it."""
    if key in TRAITS:
        return [TRAITS[key](run)]
    if key == "seed":
        return [run.result.seed]
    config = run.config
    given = [config[key]] if key in config else [value for own, value in config.items() if own.endswith(f".{key}")]
    measured = metric_of(run, tag_of(key))
    return given or ([] if measured is None else [measured])
