"""What a search optimises: taken from a run's record, and looked for once it validates. Never imports torch."""

from __future__ import annotations

import math
from collections.abc import Iterable

from zsl_runner.config.quantities import not_measured
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.sweep import objectives_of
from zsl_runner.errors import ObjectiveError
from zsl_runner.runs.result import Result


def require_measured(config: RunConfig, metrics: Iterable[str]) -> None:
    """Refuse ``objectives`` that are not among the metrics of a validation.

    Args:
        config: the run's configuration.
        metrics: tags of what was measured.

    Raises:
        ObjectiveError: naming them, what was measured, and what may be meant.
    """
    measured = [tag for tag in metrics if tag.startswith("val/")]
    if unknown := [name for name in config.objectives if name not in measured]:
        raise ObjectiveError(not_measured("objectives", unknown, measured))


def objective(result: Result, config: RunConfig) -> float | list[float] | None:
    """Return what a search optimises: one number, or a list for several ``objectives``.

    None if a number is missing because there was no validation, or is not finite: a search counts that as a failure.

    Raises:
        ObjectiveError: an objective is none of the metrics measured on validation data.
    """
    require_measured(config, result.validation)
    values = [result.validation.get(name, math.nan) for name in objectives_of(config)]
    if not all(math.isfinite(value) for value in values):
        return None
    return values[0] if len(values) == 1 else values
