"""Runs networks over rows of tasks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector

from zsl_runner.data.tasks.folds import TaskRows
from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.evaluation.continual.metrics import Matrix
from zsl_runner.models.networks import finite
from zsl_runner.models.task_model import TaskModel

REMEDY = "the network has diverged: lower trainer.weight, trainer.auxiliary_weight or the learning rate"


def moments(model: TaskModel) -> list[int | None]:
    """Return the moments a measurement is of: after each task that is done, and, as None, now if one is under way."""
    done: list[int | None] = list(range(int(model.finished)))
    return [*done, None] if len(done) < model.order.tasks and _is_under_way(model) else done


def _is_under_way(model: TaskModel) -> bool:
    """Tell whether the network has left where the last task ended; before the first one ends there is nothing else."""
    if not int(model.finished):
        return True
    return not torch.equal(parameters_to_vector(model.main.parameters()), parameters_to_vector(model.old.parameters()))


@contextmanager
def at(model: TaskModel, moment: int | None) -> Iterator[TaskModel]:
    """Lend the model with its main network as it was at a moment."""
    if moment is None:
        yield model
        return
    with model.as_after(moment):
        yield model


def task_accuracies(
    model: TaskModel, data: TaskRows, order: TaskOrder, task: int, moment: int | None, block: int
) -> tuple[Matrix, Matrix]:
    """Return the shares of rows decided rightly of each task up to one, in per cent.

    Args:
        model: with its main network as it was at the moment.
        data: rows of all tasks.
        order: the tasks and their classes.
        task: the last task that counts.
        moment: see `moments`.
        block: rows scored at a time.

    Returns:
        (task + 1,) among the classes of the row's own task, and (task + 1,) among all up to the task.
    """
    classes = order.until(task)
    of_class = torch.tensor(order.task_of_class, device=data.labels.device)
    right = torch.zeros(2, order.tasks, dtype=torch.int64, device=data.labels.device)
    rows = torch.zeros(order.tasks, dtype=torch.int64, device=data.labels.device)
    for positions in torch.split(data.positions_of(classes), block):
        labels = data.labels[positions]
        tasks = of_class[labels]
        scores = finite("scores", model.scores(data.rows.take(positions), classes, moment), REMEDY)
        own = of_class[: len(classes)] == tasks[:, None]
        for place, values in enumerate((scores.masked_fill(~own, -torch.inf), scores)):
            right[place] += torch.bincount(tasks[values.argmax(1) == labels], minlength=order.tasks)
        rows += torch.bincount(tasks, minlength=order.tasks)
    shares = (100 * right.double() / rows)[:, : task + 1].cpu().numpy()
    return shares[0], shares[1]


def scored(model: TaskModel, data: TaskRows, *spans: range, block: int) -> Iterator[Tensor]:
    """Yield the scores of rows, block by block.

    Args:
        model: with its main network as it was at the moment.
        data: rows.
        spans: classes, none of which is empty.
        block: rows scored at a time.

    Yields:
        (n, classes) scores of the classes of all spans, one span after the other.
    """
    for positions in torch.split(torch.arange(len(data), device=data.labels.device), block):
        features = model.main.represent(data.rows.take(positions))
        yield finite("scores", torch.cat([model.main.classify(features, span) for span in spans], 1), REMEDY)


def filled(rows: list[Matrix], tasks: int) -> Matrix:
    """Return rows of growing length as a matrix, NaN where they have none."""
    matrix = np.full((len(rows), tasks), np.nan)
    for place, row in enumerate(rows):
        matrix[place, : len(row)] = row
    return matrix


def distances(model: TaskModel) -> dict[str, list[float]]:
    r"""Return how far the network went in each task but the first, and how far it then is from the auxiliary one.

    $\|\theta_t - \theta_{t-1}\|$ and $\|\theta_t - \theta^{aux}_t\|$ over all parameters.

    Returns:
        ``old`` and, if auxiliary networks were kept, ``auxiliary``; a number for each task that is done but the first.
    """
    done = int(model.finished)
    kept = model.snapshots[:done]
    found = {"old": (kept[1:] - kept[:-1]).norm(dim=1).tolist()}
    if len(model.auxiliaries):
        found["auxiliary"] = (kept[1:] - model.auxiliaries[1:done]).norm(dim=1).tolist()
    return found


def tasks_with_auxiliary(model: TaskModel) -> range:
    """Return the tasks that are done and whose auxiliary networks were kept; the first has none."""
    return range(1, int(model.finished)) if len(model.auxiliaries) else range(0)


@contextmanager
def auxiliary_of(model: TaskModel, task: int) -> Iterator[TaskModel]:
    """Lend the model with the parameters of a task's auxiliary network in its main one."""
    with model.as_auxiliary(task):
        yield model
