"""What figures need of a measurement of tasks."""

from __future__ import annotations

from dataclasses import dataclass, field

from zsl_runner.evaluation.continual.metrics import Matrix


@dataclass(frozen=True)
class TaskDetails:
    """What was measured and is more than single numbers.

    Attributes:
        matrices: accuracies by name, see `zsl_runner.evaluation.continual.metrics`.
        distances: see `zsl_runner.evaluation.continual.scoring.distances`.
        steps: of zero-shot data S, U and H after each task, NaN where undefined.
    """

    matrices: dict[str, Matrix]
    distances: dict[str, list[float]]
    steps: dict[str, list[float]] = field(default_factory=dict)
