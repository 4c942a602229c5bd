"""Tasks of images: some of the classes in each."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.data.images.folds import ImageView
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.records import Records, Rows
from zsl_runner.data.stages import OneStage
from zsl_runner.data.tasks.folds import TaskEvaluation, TaskFold, TaskRows, TaskShape, TaskTraining, with_rows
from zsl_runner.data.tasks.options import TasksConf
from zsl_runner.data.tasks.order import ordered


class ImageTaskStages(OneStage[TaskTraining, TaskEvaluation]):
    """Cuts the one stage of images whose classes arrive in tasks.

    Args:
        records: the images, with labels.
        conf: how classes are divided.
        device: where the tensors live.

    Raises:
        DataError: a task has no class, or no image to evaluate; a class has no training image; or the order is not one
            of these classes.
    """

    def __init__(self, records: ImageRecords, conf: TasksConf, device: torch.device) -> None:
        assert records.labels is not None
        classes = np.arange(len(records.class_names))
        order = ordered(classes, conf.class_order, conf.class_order_seed)
        place = np.empty_like(order)
        place[order] = classes
        self._records = records
        self._labels = place[records.labels]
        self._order = conf.order_of(len(classes))
        self._names = tuple(records.class_names[label] for label in order)
        self._images = torch.from_numpy(records.images).to(device)
        for evaluated in ("val", "test"):  # before a run, not at its end
            self.fold(evaluated)

    def fold(self, evaluated: str) -> TaskFold:
        """Return the training rows and the rows of one split; see `OneStage.fold`."""
        shape = TaskShape(tuple(self._images.shape[1:]), self._order)
        training = TaskTraining(self._rows(self._records.train), shape)
        rows = self._rows(self._records.splits()[evaluated])
        fold = TaskFold(training, TaskEvaluation(evaluated, rows, self._order, self._names))
        return with_rows(fold, self._records.name)

    def _rows(self, rows: Rows) -> TaskRows:
        positions = self._on_device(rows)
        return TaskRows(ImageView(self._images, positions), self._on_device(self._labels[rows]))

    def _on_device(self, values: Rows) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values, dtype=np.int64)).to(self._images.device)


def image_tasks(records: Records, conf: DatasetConf, trainer: TrainerConf, device: torch.device) -> ImageTaskStages:
    """Return what cuts the folds of images whose classes arrive in tasks."""
    assert isinstance(records, ImageRecords)
    assert isinstance(conf, TasksConf)
    return ImageTaskStages(records, conf, device)
