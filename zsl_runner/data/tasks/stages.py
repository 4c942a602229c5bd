"""Cuts tasks: of images, some of the classes in each; of zero-shot data, continual generalised zero-shot learning.

Of zero-shot data a task brings, in the dynamic setting, some of the seen classes, with training rows, and some of the
unseen ones, without. In the static setting every class has training rows in one task, and is unseen before it.
"""

from __future__ import annotations

import numpy as np
import torch

from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.data.images.folds import StoredImages
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.records import Records, Rows
from zsl_runner.data.rows import on_device
from zsl_runner.data.stages import OneStage
from zsl_runner.data.tasks.folds import (
    TaskEvaluation,
    TaskFold,
    TaskRows,
    TaskShape,
    TaskTraining,
    UnseenRows,
    with_rows,
)
from zsl_runner.data.tasks.options import STATIC_TEST_SEED, STATIC_TEST_SHARE, TasksConf, ZeroShotTasksConf
from zsl_runner.data.tasks.order import TaskOrder, even_sizes, ordered
from zsl_runner.data.zero_shot.draws import held_out_rows
from zsl_runner.data.zero_shot.folds import ZeroShotFold, ZeroShotFolds, zero_shot_folds


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
        self._device = device
        self._images = StoredImages(records.images, device)
        for evaluated in ("val", "test"):  # before a run, not at its end
            self.fold(evaluated)

    def fold(self, evaluated: str) -> TaskFold:
        """Return the training rows and the rows of one split; see `OneStage.fold`."""
        shape = TaskShape(self._images.size, self._order)
        training = TaskTraining(self._rows(self._records.train), shape)
        rows = self._rows(self._records.splits()[evaluated])
        fold = TaskFold(training, TaskEvaluation(evaluated, rows, self._order, self._names))
        return with_rows(fold, self._records.name)

    def _rows(self, rows: Rows) -> TaskRows:
        return TaskRows(self._images.view(rows), on_device(self._labels[rows], self._device))


def image_tasks(records: Records, conf: DatasetConf, trainer: TrainerConf, device: torch.device) -> ImageTaskStages:
    """Return what cuts the folds of images whose classes arrive in tasks."""
    assert isinstance(records, ImageRecords)
    assert isinstance(conf, TasksConf)
    return ImageTaskStages(records, conf, device)


class StaticFolds(ZeroShotFolds):
    """Folds in which every class is seen: a fifth of the rows of each, drawn with a fixed seed, are for testing."""

    def tune(self) -> ZeroShotFold:
        """Training rows, and some held out of each class."""
        train, _ = self._split()
        kept, held = held_out_rows(self.records.labels, train, self.conf.holdout, self.conf.holdout_seed)
        return self._of_all("val", kept, held)

    def final(self) -> ZeroShotFold:
        """All training rows against the test rows."""
        return self._of_all("test", *self._split())

    def _split(self) -> tuple[Rows, Rows]:
        records = self.records
        rows = np.sort(np.concatenate([records.trainval, records.test_seen, records.test_unseen]))
        return held_out_rows(records.labels, rows, STATIC_TEST_SHARE, STATIC_TEST_SEED)

    def _of_all(self, name: str, train: Rows, evaluated: Rows) -> ZeroShotFold:
        none = np.empty(0, dtype=np.int64)
        return self._fold(name, train, evaluated, none, np.arange(len(self.records.class_vectors)), none)


class ZeroShotTaskStages:
    """Cuts the folds of zero-shot data whose classes arrive in tasks.

    Args:
        folds: cuts them without tasks.
        conf: how classes are divided, and whether ``dynamic`` or ``static``.

    Raises:
        DataError: a task has no class, or no row for testing; a class has no training row; or the order is not one of
            these classes. What validation rows lack is refused when they are cut.
    """

    def __init__(self, folds: ZeroShotFolds, conf: ZeroShotTasksConf) -> None:
        self._folds = folds
        self._conf = conf
        records = folds.records
        ordered(np.concatenate([records.seen_classes, records.unseen_classes]), conf.class_order, None)
        self.tested("final")  # before a run, not at its end

    def cut(self, stage: str) -> TaskFold:
        """Return a stage's fold; see `Stages.cut`."""
        return self._in_tasks(self._folds.cut(stage))

    def tested(self, stage: str) -> TaskFold:
        """Return a stage's fold with the test rows; see `Stages.tested`."""
        return self._in_tasks(self._folds.tested(stage))

    def _in_tasks(self, fold: ZeroShotFold) -> TaskFold:
        train, evaluation, conf = fold.train, fold.evaluation, self._conf
        wanted = conf.class_order
        seen, unseen = (
            ordered(ids, None if wanted is None else [label for label in wanted if label in ids], conf.class_order_seed)
            for ids in (train.labelled_classes.cpu().numpy(), train.unseen_classes.cpu().numpy())
        )
        order = conf.order_of(len(seen), validation=len(unseen) if evaluation.name == "val" else 0)
        ids = torch.from_numpy(np.concatenate([seen, unseen])).to(train.labels.device)
        place = torch.full((len(train.class_vectors),), -1, device=ids.device)
        place[ids] = torch.arange(len(ids), device=ids.device)
        vectors = train.class_vectors[ids]
        shape = TaskShape((train.shape.features,), order, train.shape.class_vector)
        training = TaskTraining(TaskRows(train.features, place[train.labels]), shape, vectors)
        later = TaskOrder(even_sizes(len(unseen), order.tasks))
        unseen_rows = TaskRows(evaluation.unseen, place[evaluation.unseen_labels])
        tasks = TaskFold(
            training,
            TaskEvaluation(
                name=evaluation.name,
                data=TaskRows(evaluation.seen, place[evaluation.seen_labels]),
                order=order,
                class_names=tuple(evaluation.class_names[label] for label in [*seen, *unseen]),
                class_vectors=vectors,
                setting=conf.task_setting,
                unseen=UnseenRows(unseen_rows, later) if later.classes else None,
            ),
        )
        return with_rows(tasks, self._folds.records.name)


def zero_shot_tasks(
    records: Records, conf: DatasetConf, trainer: TrainerConf, device: torch.device
) -> ZeroShotTaskStages:
    """Return what cuts the folds of zero-shot data whose classes arrive in tasks."""
    assert isinstance(conf, ZeroShotTasksConf)
    kind = StaticFolds if conf.task_setting == "static" else ZeroShotFolds
    return ZeroShotTaskStages(zero_shot_folds(records, conf, trainer, device, kind), conf)
