"""What is drawn of tasks at the end of a run, among it accuracy in the plane of weights through three networks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_runner.data.tasks.folds import TaskEvaluation, TaskRows
from zsl_runner.evaluation.base import Draw
from zsl_runner.evaluation.continual.scoring import auxiliary_of, task_accuracies
from zsl_runner.evaluation.continual.tables import TaskDetails
from zsl_runner.models.networks import evaluating
from zsl_runner.models.task_model import TaskModel, loaded
from zsl_runner.objectives.similarity import linear_cka

COMPARED_ROWS: Final = 1000
BLOCK: Final = 4096
"""Rows scored at a time."""
TITLES: Final = {"acc_taw": "Accuracy, the task given", "acc_tag": "Accuracy among all classes so far"}
PLANE_POINTS: Final = 17
PLANE_MARGIN: Final = 0.35
"""How far beyond the corners the plane is shown, in parts of its extent."""
COLLINEAR: Final = 1e-5
"""Distance from a line, as a share of the distance along it, that rounding may leave in single precision."""
ROWS_OF_CLASS: Final = 50
CORNERS: Final = ("old", "auxiliary", "joint")


def task_figures(model: TaskModel, data: TaskEvaluation, details: TaskDetails) -> Iterator[tuple[str, Draw]]:
    """Yield (name, what draws it).

    Args:
        model: the trained model.
        data: the measured rows.
        details: what the evaluator measured on them.
    """
    from zsl_runner.tracking.figures.tasks import (
        accuracy_in_plane,
        by_layer,
        by_task,
        searched_weights,
        task_courses,
        task_matrix,
    )

    for name, matrix in details.matrices.items():
        title = TITLES[name]
        yield name, lambda matrix=matrix, title=title: task_matrix(matrix, title)  # type: ignore[misc]
        yield f"{name}_course", lambda matrix=matrix, title=title: task_courses(matrix, title)  # type: ignore[misc]
    far = {f"to the {name} network": values for name, values in details.distances.items() if values}
    if far:
        yield "distances", lambda: by_task(far, 2, "norm of the difference", "Distance of the weights after each task")
    if details.searched:
        factors, reached, reference, _ = zip(*details.searched, strict=True)
        yield "search", lambda: searched_weights(factors, {"network": reached, "auxiliary network": reference})
    if len(model.auxiliaries) and int(model.finished) > 1:
        alike = similarities(model, data)
        yield "similarities", lambda: by_layer(alike, "linear CKA", "Representations of the last task's rows")
    whole = len(model.joint) > 0 and int(model.finished) == data.order.tasks
    if whole and (found := accuracy_plane(model, data, BLOCK)) is not None:
        yield "plane", lambda: accuracy_in_plane(found.u, found.v, found.accuracy, found.places)


def step_figures(steps: Mapping[str, Sequence[float]]) -> Iterator[tuple[str, Draw]]:
    """Yield (name, what draws it) of S, U and H after each task."""
    from zsl_runner.tracking.figures.tasks import zero_shot_courses

    yield "zero_shot_course", lambda: zero_shot_courses(steps)


def similarities(model: TaskModel, data: TaskEvaluation) -> dict[str, dict[str, float]]:
    """Return how alike the layers of the last task's network are to those of the old and the auxiliary one.

    Args:
        model: the trained model, with auxiliary networks.
        data: rows; those of the last task that is done are compared, the first `COMPARED_ROWS`.

    Returns:
        `linear_cka` by network, then by layer.
    """
    last = int(model.finished) - 1
    x = data.data.rows.take(data.data.positions_of(data.order.of(last))[:COMPARED_ROWS])
    with evaluating(model), torch.no_grad():
        with model.as_after(last) as network:
            own = network.layers(x)
        with model.as_after(last - 1) as network:
            old = network.layers(x)
        with auxiliary_of(model, last):
            auxiliary = model.main.layers(x)
    return {"to the old network": _alike(own, old), "to the auxiliary network": _alike(own, auxiliary)}


def _alike(own: Mapping[str, Tensor], other: Mapping[str, Tensor]) -> dict[str, float]:
    return {name: float(linear_cka(values.double(), other[name].double())) for name, values in own.items()}


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


def axes_of(old: Tensor, auxiliary: Tensor, joint: Tensor) -> tuple[Tensor, Tensor] | None:
    """Return two orthonormal directions (P,) of the plane through three points (P,); None if they are on one line."""
    first, second = auxiliary - old, joint - old
    length = first.norm()
    if length == 0:
        return None
    first = first / length
    beside = second - (second @ first) * first
    height = beside.norm()
    return (first, beside / height) if height > COLLINEAR * second.norm() else None


def accuracy_plane(model: TaskModel, data: TaskEvaluation, block: int) -> Plane | None:
    """Return the accuracy around the old, the auxiliary and the jointly trained network of the last task.

    None if the three are on one line, as where the auxiliary network had nothing to learn and is the old one.

    Args:
        model: with all three, see `TaskModel.joint`.
        data: rows, of which the first `ROWS_OF_CLASS` of each class are scored.
        block: rows scored at a time.

    Source: the analysis of Kim et al. 2023; the plane as Mirzadeh et al. 2021 draw it.
    """
    last = data.order.tasks - 1
    corners = (model.snapshots[last - 1], model.auxiliaries[last], model.joint)
    axes = axes_of(*corners)
    if axes is None:
        return None
    first, second = axes
    networks = dict(zip(CORNERS, corners, strict=True)) | {"main": model.snapshots[last]}
    places = {
        name: (float((weights - corners[0]) @ first), float((weights - corners[0]) @ second))
        for name, weights in networks.items()
    }
    u, v = (_span([place[axis] for place in places.values()]) for axis in (0, 1))
    rows = _some_rows(data)
    accuracy = np.empty((PLANE_POINTS, PLANE_POINTS))
    with evaluating(model), torch.no_grad():
        for line, column in np.ndindex(PLANE_POINTS, PLANE_POINTS):
            weights = corners[0] + float(u[column]) * first + float(v[line]) * second
            with loaded(model.main, weights):
                accuracy[line, column] = task_accuracies(model, rows, data.order, last, None, block)[0].mean()
    return Plane(u, v, accuracy, places)


def _span(values: list[float]) -> NDArray[np.floating[Any]]:
    low, high = min(values), max(values)
    beyond = PLANE_MARGIN * (high - low)
    return np.linspace(low - beyond, high + beyond, PLANE_POINTS)


def _some_rows(data: TaskEvaluation) -> TaskRows:
    labels = data.data.labels
    chosen = [(labels == label).nonzero().flatten()[:ROWS_OF_CLASS] for label in range(data.order.classes)]
    positions = torch.cat(chosen)
    return TaskRows(data.data.rows.part(positions), labels[positions])
