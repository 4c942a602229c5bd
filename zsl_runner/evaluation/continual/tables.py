"""What a measurement of tasks is beyond single metrics: details for figures, and tables of a result."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from zsl_runner.evaluation.base import Table
from zsl_runner.evaluation.continual.metrics import Matrix, forgetting_of_tasks
from zsl_runner.models.task_model import SearchRecord


@dataclass(frozen=True)
class TaskDetails:
    """What was measured and is more than single numbers.

    Attributes:
        matrices: accuracies by name, see `zsl_runner.evaluation.continual.metrics`.
        distances: see `zsl_runner.evaluation.continual.scoring.distances`.
        searched: what a search of weights ended with in each task but the first; empty without one.
        steps: of zero-shot data S, U, H and AUSUC after each task, NaN where undefined.
    """

    matrices: dict[str, Matrix]
    distances: dict[str, list[float]]
    searched: list[SearchRecord]
    steps: dict[str, list[float]] = field(default_factory=dict)


def task_table(matrix: Matrix) -> Table:
    """Return accuracies on tasks (columns) after tasks (lines), in per cent."""
    height, width = matrix.shape
    lines = tuple(f"after task {task + 1}" for task in range(height))
    return Table(lines, tuple(f"task {task + 1}" for task in range(width)), _values(matrix.tolist()))


def forgetting_tables(matrices: Mapping[str, Matrix]) -> dict[str, Table]:
    """Return what is forgotten of each task but the last (columns) by each matrix (lines), in points of per cent."""
    forgotten = {name: forgetting_of_tasks(matrix).tolist() for name, matrix in matrices.items() if len(matrix) > 1}
    if not forgotten:
        return {}
    columns = tuple(f"task {task + 1}" for task in range(len(next(iter(forgotten.values())))))
    return {"forgetting": Table(tuple(forgotten), columns, _values(list(forgotten.values())))}


def step_table(columns: Mapping[str, Sequence[float]]) -> Table:
    """Return metrics after each task (lines); NaN where one is undefined."""
    lines = tuple(f"after task {task + 1}" for task in range(len(next(iter(columns.values())))))
    return Table(lines, tuple(columns), _values(list(zip(*columns.values(), strict=True))))


def distance_tables(distances: Mapping[str, Sequence[float]]) -> dict[str, Table]:
    """Return how far the network went in each task but the first."""
    if not distances["old"]:
        return {}
    lines = tuple(f"task {task + 2}" for task in range(len(distances["old"])))
    columns = tuple(f"to {name}" for name in distances)
    return {"distances": Table(lines, columns, _values(list(zip(*distances.values(), strict=True))))}


def search_tables(found: Sequence[SearchRecord]) -> dict[str, Table]:
    """Return what a search of weights ended with in each task but the first, where there was one.

    What the weights were multiplied by, and the accuracies of two networks on held-out rows of the task, in per cent.
    """
    if not found:
        return {}
    lines = tuple(f"task {task + 2}" for task in range(len(found)))
    columns = ("weights times", "network", "auxiliary network")
    return {"search": Table(lines, columns, _values([record[:3] for record in found]))}


def search_metrics(found: Sequence[SearchRecord]) -> dict[str, float]:
    """Return the geometric mean over tasks of what the weights were multiplied by, where they were searched."""
    if not found:
        return {}
    return {"weight_factor": math.exp(sum(math.log(record.factor) for record in found) / len(found))}


def distance_metrics(distances: Mapping[str, Sequence[float]]) -> dict[str, float]:
    """Return the mean distances over tasks, where there are some."""
    return {f"distance_{name}": sum(values) / len(values) for name, values in distances.items() if values}


def _values(rows: Sequence[Sequence[float]]) -> tuple[tuple[float | None, ...], ...]:
    return tuple(tuple(None if math.isnan(value) else float(value) for value in row) for row in rows)
