"""Which classes belong to which task. Never imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zsl_runner.data.records import Rows
from zsl_runner.errors import OptionError
from zsl_runner.files.names import some


@dataclass(frozen=True)
class TaskOrder:
    """Classes numbered in the order of their tasks: those of a task are a range.

    Attributes:
        sizes: classes of each task.

    >>> order = TaskOrder((2, 3))
    >>> order.tasks, order.classes, order.of(1), order.until(1), order.task_of_class
    (2, 5, range(2, 5), range(0, 5), (0, 0, 1, 1, 1))
    """

    sizes: tuple[int, ...]

    @property
    def tasks(self) -> int:
        """Number of tasks."""
        return len(self.sizes)

    @property
    def classes(self) -> int:
        """Number of classes."""
        return sum(self.sizes)

    def of(self, task: int) -> range:
        """Return the classes of a task."""
        first = sum(self.sizes[:task])
        return range(first, first + self.sizes[task])

    def until(self, task: int) -> range:
        """Return the classes of a task and of all before it."""
        return range(sum(self.sizes[: task + 1]))

    @property
    def task_of_class(self) -> tuple[int, ...]:
        """The task of each class."""
        return tuple(task for task, size in enumerate(self.sizes) for _ in range(size))


def even_sizes(classes: int, tasks: int, first: int | None = None) -> tuple[int, ...]:
    """Return how many classes each task has: as many in each as possible, larger tasks first.

    Args:
        classes: number of classes.
        tasks: number of tasks.
        first: classes of the first task; None for as many as in the others.

    >>> even_sizes(10, 5), even_sizes(10, 3), even_sizes(10, 3, first=6)
    ((2, 2, 2, 2, 2), (4, 3, 3), (6, 2, 2))
    """
    if first is not None and tasks > 1:
        return (first, *even_sizes(classes - first, tasks - 1))
    short, more = divmod(classes, tasks)
    return tuple(short + (task < more) for task in range(tasks))


def ordered(classes: Rows, class_order: Sequence[int] | None, seed: int | None) -> Rows:
    """Return the classes in the order in which they arrive.

    Args:
        classes: (K,) class ids.
        class_order: the same ids in their order; None for ascending ids.
        seed: of a random order; None for none. Not with ``class_order``.

    Raises:
        DataError: ``class_order`` names other classes, or one of them twice.
    """
    if class_order is not None:
        given = np.asarray(class_order, dtype=np.int64)
        values, counts = np.unique(given, return_counts=True)
        wrong = {
            "no class of the data": np.setdiff1d(values, classes),
            "missing": np.setdiff1d(classes, values),
            "in two tasks": values[counts > 1],
        }
        if found := [f"{some(map(str, ids))} {what}" for what, ids in wrong.items() if len(ids)]:
            raise OptionError(
                f"dataset.class_order: expected each of the {len(classes)} classes once, found {'; '.join(found)}"
            )
        return given
    return classes if seed is None else np.random.default_rng(seed).permutation(classes)
