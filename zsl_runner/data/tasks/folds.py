"""What a sequence of tasks hands to training and to an evaluator, on the run's device.

Classes are numbered in the order of their tasks, so that those of a task are a range; of zero-shot data those without
training rows follow. Training goes through the tasks; what a task's rows look like beside the others is up to the
trainer, which is the only one to know whether it keeps some.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from zsl_runner.data.rows import RowView
from zsl_runner.data.stages import Fold, spread
from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.errors import DataError, OptionError
from zsl_runner.files.names import some


@dataclass(frozen=True)
class TaskShape:
    """Sizes a model takes from tasks.

    Attributes:
        row: sizes of a row: (D,) features, or (C, H, W) of an image.
        order: the tasks and their classes.
        class_vector: entries A of a class vector; 0 if classes have none.
    """

    row: tuple[int, ...]
    order: TaskOrder
    class_vector: int = 0


@dataclass(frozen=True)
class TaskRows:
    """Labelled rows of tasks.

    Attributes:
        rows: n rows.
        labels: (n,) int64 classes in the order of tasks.
    """

    rows: RowView[Tensor]
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def positions_of(self, classes: range) -> Tensor:
        """Return the int64 positions of the rows of a range of classes."""
        return ((self.labels >= classes.start) & (self.labels < classes.stop)).nonzero().flatten()


@dataclass(frozen=True)
class TaskTraining:
    """What training may see.

    Attributes:
        data: rows of all tasks.
        shape: the sizes a model takes from them; ``shape.order`` says which classes belong to which task.
        class_vectors: (K, A) of all classes, those without training rows last; None if classes have none.
    """

    data: TaskRows
    shape: TaskShape
    class_vectors: Tensor | None = None

    @property
    def order(self) -> TaskOrder:
        """The tasks and their classes."""
        return self.shape.order

    def limited(self, rows: int) -> TaskTraining:
        """Return the same with so many rows, evenly over all, and at least one of each class."""
        labels = self.data.labels
        kept = torch.from_numpy(spread(len(labels), rows)).to(labels.device)
        first = torch.stack([(labels == label).nonzero()[0, 0] for label in range(self.order.classes)])
        kept = torch.unique(torch.cat([kept, first]))
        return replace(self, data=TaskRows(self.data.rows.part(kept), labels[kept]))


@dataclass(frozen=True)
class UnseenRows:
    """Rows of classes that training has no row of.

    Attributes:
        data: their rows; labels follow those of the classes with training rows.
        order: the tasks in which these classes arrive, numbered from 0.
    """

    data: TaskRows
    order: TaskOrder


@dataclass(frozen=True)
class TaskEvaluation:
    """Rows that only an evaluator reads.

    Attributes:
        name: ``val`` or ``test``; prefix of the metrics.
        data: rows of all tasks.
        order: the tasks and their classes.
        class_names: names of the classes in the order of tasks, those without training rows last.
        class_vectors: (K, A) of all classes, those without training rows last; None if classes have none.
        setting: of zero-shot data ``dynamic``, where a task brings classes without training rows, or ``static``, where
            the classes of later tasks are those without; None of others.
        unseen: the rows of classes without training rows, in the dynamic setting.
    """

    name: str
    data: TaskRows
    order: TaskOrder
    class_names: tuple[str, ...]
    class_vectors: Tensor | None = None
    setting: str | None = None
    unseen: UnseenRows | None = None


TaskFold = Fold[TaskTraining, TaskEvaluation]


def with_rows(fold: TaskFold, name: str) -> TaskFold:
    """Return the fold, if there are rows to train each class, and rows to evaluate each task.

    Args:
        fold: a fold of tasks.
        name: label of the data set.

    Raises:
        DataError: there are none of some classes, which are named.
    """
    training, evaluation = fold.train, fold.evaluation
    names, order, unseen = evaluation.class_names, evaluation.order, evaluation.unseen
    if absent := list(_absent(training.data, range(order.classes))):
        raise DataError(f"{name}: expected training rows of each class, found none of {_named(absent, names)}")
    spans = [(evaluation.data, order.of(task)) for task in range(order.tasks)]
    if unseen is not None:
        later = (unseen.order.of(task) for task in range(unseen.order.tasks))
        spans += [(unseen.data, range(order.classes + span.start, order.classes + span.stop)) for span in later]
    for rows, span in spans:
        if span and len(list(_absent(rows, span))) == len(span):
            found = f"found none of its classes {_named(span, names)}"
            raise OptionError(
                f"{name}: expected {evaluation.name} rows of each task, {found}; "
                "use fewer tasks, another class_order, or other rows for evaluation"
            )
    return fold


def _absent(rows: TaskRows, classes: range) -> Iterable[int]:
    """Yield the classes without a row."""
    counts = torch.bincount(rows.labels, minlength=classes.stop).tolist()
    return (label for label in classes if not counts[label])


def _named(classes: Iterable[int], names: tuple[str, ...]) -> str:
    return some([names[label] for label in classes])
