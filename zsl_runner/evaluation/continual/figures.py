"""What is drawn of tasks at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import torch
from torch import Tensor

from zsl_runner.data.tasks.folds import TaskEvaluation
from zsl_runner.evaluation.base import Draw
from zsl_runner.evaluation.continual.details import TaskDetails
from zsl_runner.evaluation.continual.plane import accuracy_plane
from zsl_runner.evaluation.continual.scoring import auxiliary_of
from zsl_runner.models.networks import evaluating
from zsl_runner.models.task_model import TaskModel
from zsl_runner.objectives.similarity import linear_cka

COMPARED_ROWS: Final = 1000
BLOCK: Final = 4096
"""Rows scored at a time."""
TITLES: Final = {"acc_taw": "Accuracy, the task given", "acc_tag": "Accuracy among all classes so far"}


def task_figures(model: TaskModel, data: TaskEvaluation, details: TaskDetails) -> Iterator[tuple[str, Draw]]:
    """Yield (name, what draws it).

    Args:
        model: the trained model.
        data: the measured rows.
        details: what the evaluator measured on them.
    """
    from zsl_runner.tracking.figures.tasks import accuracy_in_plane, by_layer, by_task, task_courses, task_matrix

    for name, matrix in details.matrices.items():
        title = TITLES[name]
        yield name, lambda matrix=matrix, title=title: task_matrix(matrix, title)  # type: ignore[misc]
        yield f"{name}_course", lambda matrix=matrix, title=title: task_courses(matrix, title)  # type: ignore[misc]
    far = {f"to the {name} network": values for name, values in details.distances.items() if values}
    if far:
        yield "distances", lambda: by_task(far, 2, "norm of the difference", "Distance of the weights after each task")
    if len(model.auxiliaries) and int(model.finished) > 1:
        alike = similarities(model, data)
        yield "similarities", lambda: by_layer(alike, "linear CKA", "Representations of the last task's rows")
    if len(model.joint) and int(model.finished) == data.order.tasks:
        found = accuracy_plane(model, data, BLOCK)
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
