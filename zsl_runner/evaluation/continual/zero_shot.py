"""Seen and unseen classes after each task."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from zsl_runner.data.tasks.folds import TaskEvaluation, TaskFold, TaskRows, TaskTraining
from zsl_runner.evaluation.base import Draw, Evaluator, Measurement
from zsl_runner.evaluation.continual.conf import ContinualZeroShotEvaluatorConf
from zsl_runner.evaluation.continual.metrics import Matrix, intransigence, summary
from zsl_runner.evaluation.continual.scoring import (
    at,
    auxiliary_of,
    distances,
    filled,
    moments,
    scored,
    tasks_with_auxiliary,
)
from zsl_runner.evaluation.continual.tables import (
    TaskDetails,
    distance_metrics,
    distance_tables,
    forgetting_tables,
    search_metrics,
    search_tables,
    step_table,
    task_table,
)
from zsl_runner.evaluation.metrics import harmonic_mean, mean_class_accuracy
from zsl_runner.evaluation.zsl.calibration import BestScores, split_scores, stacking_curve
from zsl_runner.models.base import Model
from zsl_runner.models.networks import evaluating
from zsl_runner.models.task_model import TaskModel


@dataclass(frozen=True)
class StepAccuracies:
    """What is measured after a task.

    Attributes:
        seen: S, mean of the accuracies of classes so far, in per cent.
        unseen: U, likewise of the unseen ones; NaN without any.
        area: AUSUC, the area under the curve of U and S over all offsets between the two, in per cent; NaN likewise.
        tasks: (task + 1,) mean accuracy of the classes of each task, decided among the classes so far alone.
    """

    seen: float
    unseen: float
    area: float
    tasks: Matrix

    @property
    def harmonic(self) -> float:
        """H; NaN without unseen classes."""
        return math.nan if math.isnan(self.unseen) else harmonic_mean(self.unseen, self.seen)


class ContinualZeroShotEvaluator(Evaluator[TaskTraining, TaskEvaluation, TaskDetails]):
    """Means of class accuracies in per cent, after each task and over tasks.

    Seen are the classes of tasks so far. Unseen are, in the dynamic setting, the classes without training rows that
    have come so far; in the static one all classes of later tasks. Candidates are both. Over tasks: mS, mU, mAUSUC and
    mH, the mean of H after each task, which is not H of means; a task without unseen classes is left out of all but mS.

    Args:
        conf: the evaluator's options.
        seed: the run's seed; nothing is drawn.
    """

    conf: ContinualZeroShotEvaluatorConf
    measures_more_later: ClassVar[bool] = True

    def measure(self, model: Model, fold: TaskFold, choices: Mapping[str, float]) -> Measurement[TaskDetails]:
        """Return the metrics of the evaluation set under the tags ``val/...`` or ``test/...``, and the tables."""
        if not isinstance(model, TaskModel):
            raise TypeError(f"{type(model).__name__} has no logits of tasks")
        data = fold.evaluation
        steps = []
        with evaluating(model), torch.no_grad():
            for task, moment in enumerate(moments(model)):
                with at(model, moment):
                    steps.append(self._step(model, data, task))
            plastic = [self._plastic(model, data, task) for task in tasks_with_auxiliary(model)]
            far = distances(model)
        searched = model.found_by_search()
        course = {
            "S": [step.seen for step in steps],
            "U": [step.unseen for step in steps],
            "H": [step.harmonic for step in steps],
            "AUSUC": [step.area for step in steps],
        }
        matrix = filled([step.tasks for step in steps], data.order.tasks)
        metrics = _metrics(course, matrix) | distance_metrics(far) if steps else {}
        if plastic and len(plastic) == len(steps) - 1:
            metrics["intransigence_tag"] = intransigence(matrix, np.array([np.nan, *plastic]))
        metrics |= search_metrics(searched)
        matrices = {"acc_tag": matrix}
        tables = {"acc_tag": task_table(matrix), "zero_shot": step_table(course)}
        return Measurement(
            {f"{data.name}/{name}": value for name, value in metrics.items()},
            details=TaskDetails(matrices, far, searched, course),
            tables=tables | forgetting_tables(matrices) | distance_tables(far) | search_tables(searched),
        )

    def figures(
        self, model: Model, data: TaskEvaluation, measurement: Measurement[TaskDetails], shown: Mapping[str, Tensor]
    ) -> Iterator[tuple[str, Draw]]:
        """Yield S, U and H over the tasks, the matrix as a heat map, distances, and similarities of networks."""
        from zsl_runner.evaluation.continual.figures import step_figures, task_figures

        assert isinstance(model, TaskModel)
        yield from step_figures(measurement.details.steps)
        yield from task_figures(model, data, measurement.details)

    def _plastic(self, model: TaskModel, data: TaskEvaluation, task: int) -> float:
        """Return the mean accuracy of a task's classes among those so far, of its auxiliary network."""
        rows, seen = _part(data.data, data.order.of(task)), data.order.until(task)
        with auxiliary_of(model, task):
            decided = [scores.argmax(1) for scores in scored(model, rows, seen, block=self.conf.batch_size)]
        return mean_class_accuracy(rows.labels, torch.cat(decided))

    def _step(self, model: TaskModel, data: TaskEvaluation, task: int) -> StepAccuracies:
        """Return what is measured with the main network as it is, as after a task."""
        block, order = self.conf.batch_size, data.order
        seen = order.until(task)
        seen_rows = _part(data.data, seen)
        unseen_rows, unseen = _unseen(data, task)

        def of_tasks(among_seen: Tensor) -> Matrix:
            spans = [order.of(earlier) for earlier in range(task + 1)]
            return np.array([_mean_accuracy(seen_rows.labels, among_seen, span) for span in spans])

        if not unseen:
            decided = torch.cat([scores.argmax(1) for scores in scored(model, seen_rows, seen, block=block)])
            accuracy = mean_class_accuracy(seen_rows.labels, decided)
            return StepAccuracies(accuracy, math.nan, math.nan, of_tasks(decided))
        best_of_seen, best_of_unseen = (
            BestScores.joined([BestScores.of(scores, len(seen)) for scores in blocks])
            for blocks in (scored(model, rows, seen, unseen, block=block) for rows in (seen_rows, unseen_rows))
        )
        sides = _ids(seen, seen_rows.labels.device), _ids(unseen, seen_rows.labels.device)
        among_seen, among_unseen = sides[0][best_of_seen.seen_place], sides[1][best_of_unseen.unseen_place]
        curve = stacking_curve(
            split_scores(best_of_seen, seen_rows.labels, among_seen),
            split_scores(best_of_unseen, unseen_rows.labels, among_unseen),
        )
        return StepAccuracies(
            seen=mean_class_accuracy(seen_rows.labels, best_of_seen.among(*sides)),
            unseen=mean_class_accuracy(unseen_rows.labels, best_of_unseen.among(*sides)),
            area=100 * curve.area(),
            tasks=of_tasks(among_seen),
        )


def _part(data: TaskRows, classes: range) -> TaskRows:
    positions = data.positions_of(classes)
    return TaskRows(data.rows.part(positions), data.labels[positions])


def _ids(classes: range, device: torch.device) -> Tensor:
    return torch.arange(classes.start, classes.stop, device=device)


def _unseen(data: TaskEvaluation, task: int) -> tuple[TaskRows, range]:
    """Return the rows of the classes that are unseen after a task, and these classes."""
    seen = data.order.until(task)
    if data.setting == "static":
        later = range(seen.stop, data.order.classes)
        return _part(data.data, later), later
    if data.unseen is None:
        return _part(data.data, range(0)), range(0)
    first = data.order.classes
    so_far = range(first, first + len(data.unseen.order.until(task)))
    return _part(data.unseen.data, so_far), so_far


def _mean_accuracy(labels: Tensor, decided: Tensor, classes: range) -> float:
    own = (labels >= classes.start) & (labels < classes.stop)
    return mean_class_accuracy(labels[own], decided[own])


def _metrics(course: Mapping[str, list[float]], matrix: Matrix) -> dict[str, float]:
    """Return the metrics over tasks, and S, U, H and AUSUC after the last."""
    found = {name: values[-1] for name, values in course.items() if not math.isnan(values[-1])}
    for name, values in course.items():
        if defined := [value for value in values if not math.isnan(value)]:
            found[f"m{name}"] = float(np.mean(defined))
    return found | {f"{name}_tag": value for name, value in summary(matrix).items()}
