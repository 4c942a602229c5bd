"""Accuracy in the plane of weights through three networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_runner.data.tasks.folds import TaskEvaluation, TaskRows
from zsl_runner.evaluation.continual.scoring import task_accuracies
from zsl_runner.models.networks import evaluating
from zsl_runner.models.task_model import TaskModel, loaded

POINTS: Final = 17
MARGIN: Final = 0.35
"""How far beyond the corners the plane is shown, in parts of its extent."""
ROWS_OF_CLASS: Final = 50
CORNERS: Final = ("old", "auxiliary", "joint")


@dataclass(frozen=True)
class Plane:
    """Mean accuracy over tasks, the task given, where weights are origin + u first + v second.

    Attributes:
        u: (n,) places along the first axis, from the old to the auxiliary network.
        v: (m,) along the second, orthogonal to the first, towards the network trained on all tasks.
        accuracy: (m, n) in per cent.
        places: (u, v) of networks by name; the main one is projected onto the plane.
    """

    u: NDArray[np.floating[Any]]
    v: NDArray[np.floating[Any]]
    accuracy: NDArray[np.floating[Any]]
    places: dict[str, tuple[float, float]]


def axes_of(old: Tensor, auxiliary: Tensor, joint: Tensor) -> tuple[Tensor, Tensor]:
    """Return two orthonormal directions (P,) of the plane through three points (P,)."""
    first = auxiliary - old
    first = first / first.norm()
    second = joint - old
    second = second - (second @ first) * first
    return first, second / second.norm()


def accuracy_plane(model: TaskModel, data: TaskEvaluation, block: int) -> Plane:
    """Return the accuracy around the old, the auxiliary and the jointly trained network of the last task.

    Args:
        model: with all three, see `TaskModel.joint`.
        data: rows, of which the first `ROWS_OF_CLASS` of each class are scored.
        block: rows scored at a time.

    Source: the analysis of Kim et al. 2023; the plane as Mirzadeh et al. 2021 draw it.
    """
    last = data.order.tasks - 1
    corners = (model.snapshots[last - 1], model.auxiliaries[last], model.joint)
    first, second = axes_of(*corners)
    networks = dict(zip(CORNERS, corners, strict=True)) | {"main": model.snapshots[last]}
    places = {
        name: (float((weights - corners[0]) @ first), float((weights - corners[0]) @ second))
        for name, weights in networks.items()
    }
    u, v = (_span([place[axis] for place in places.values()]) for axis in (0, 1))
    rows = _some_rows(data)
    accuracy = np.empty((POINTS, POINTS))
    with evaluating(model), torch.no_grad():
        for line, column in np.ndindex(POINTS, POINTS):
            weights = corners[0] + float(u[column]) * first + float(v[line]) * second
            with loaded(model.main, weights):
                accuracy[line, column] = task_accuracies(model, rows, data.order, last, None, block)[0].mean()
    return Plane(u, v, accuracy, places)


def _span(values: list[float]) -> NDArray[np.floating[Any]]:
    low, high = min(values), max(values)
    beyond = MARGIN * (high - low)
    return np.linspace(low - beyond, high + beyond, POINTS)


def _some_rows(data: TaskEvaluation) -> TaskRows:
    labels = data.data.labels
    chosen = [(labels == label).nonzero().flatten()[:ROWS_OF_CLASS] for label in range(data.order.classes)]
    positions = torch.cat(chosen)
    return TaskRows(data.data.rows.part(positions), labels[positions])
