"""Accuracies on tasks after tasks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from zsl_runner.data.tasks.folds import TaskEvaluation, TaskFold, TaskTraining
from zsl_runner.evaluation.base import Draw, Evaluator, Measurement, Table
from zsl_runner.evaluation.continual.conf import KINDS, ContinualEvaluatorConf
from zsl_runner.evaluation.continual.metrics import Matrix, intransigence, summary
from zsl_runner.evaluation.continual.scoring import (
    at,
    auxiliary_of,
    distances,
    filled,
    moments,
    task_accuracies,
    tasks_with_auxiliary,
)
from zsl_runner.evaluation.continual.tables import (
    TaskDetails,
    distance_metrics,
    distance_tables,
    forgetting_tables,
    search_metrics,
    search_tables,
    task_table,
)
from zsl_runner.models.base import Model
from zsl_runner.models.networks import evaluating
from zsl_runner.models.task_model import TaskModel


class ContinualEvaluator(Evaluator[TaskTraining, TaskEvaluation, TaskDetails]):
    """Accuracies in per cent: task-aware (taw), the head given, and task-agnostic (tag), among all classes so far.

    After the last task everything is computed from the copies the model kept, so test rows are read once. A measurement
    on the way is over the tasks so far.

    Args:
        conf: the evaluator's options.
        seed: the run's seed; nothing is drawn.
    """

    conf: ContinualEvaluatorConf
    measures_more_later: ClassVar[bool] = True

    def measure(self, model: Model, fold: TaskFold, choices: Mapping[str, float]) -> Measurement[TaskDetails]:
        """Return the metrics of the evaluation set under the tags ``val/...`` or ``test/...``, and the matrices."""
        if not isinstance(model, TaskModel):
            raise TypeError(f"{type(model).__name__} has no logits of tasks")
        data, block = fold.evaluation, self.conf.batch_size
        with evaluating(model), torch.no_grad():
            rows = [self._row(model, data, task, moment) for task, moment in enumerate(moments(model))]
            plastic = [self._plastic(model, data, task, block) for task in tasks_with_auxiliary(model)]
            far = distances(model)
        searched = model.found_by_search()
        metrics: dict[str, float] = {}
        matrices: dict[str, Matrix] = {}
        for place, kind in enumerate(KINDS):
            matrix = filled([row[place] for row in rows], data.order.tasks)
            matrices[f"acc_{kind}"] = matrix
            if rows:
                metrics |= {f"{name}_{kind}": value for name, value in summary(matrix).items()}
            if plastic and len(plastic) == len(rows) - 1:
                of_kind = np.array([np.nan, *(row[place][-1] for row in plastic)])
                metrics[f"intransigence_{kind}"] = intransigence(matrix, of_kind)
        metrics |= distance_metrics(far) | search_metrics(searched)
        tables: dict[str, Table] = {name: task_table(matrix) for name, matrix in matrices.items()}
        return Measurement(
            {f"{data.name}/{name}": value for name, value in metrics.items()},
            details=TaskDetails(matrices, far, searched),
            tables=tables | forgetting_tables(matrices) | distance_tables(far) | search_tables(searched),
        )

    def figures(
        self, model: Model, data: TaskEvaluation, measurement: Measurement[TaskDetails], shown: Mapping[str, Tensor]
    ) -> Iterator[tuple[str, Draw]]:
        """Yield the matrices as heat maps, the course of each task, distances, and similarities of networks."""
        from zsl_runner.evaluation.continual.figures import task_figures

        assert isinstance(model, TaskModel)
        yield from task_figures(model, data, measurement.details)

    def _row(self, model: TaskModel, data: TaskEvaluation, task: int, moment: int | None) -> tuple[Matrix, Matrix]:
        with at(model, moment):
            return task_accuracies(model, data.data, data.order, task, moment, self.conf.batch_size)

    def _plastic(self, model: TaskModel, data: TaskEvaluation, task: int, block: int) -> tuple[Matrix, Matrix]:
        with auxiliary_of(model, task):
            return task_accuracies(model, data.data, data.order, task, None, block)
