"""Exemplars: rows of classes that are kept when their task is over."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from zsl_runner.data.tasks.folds import TaskTraining
from zsl_runner.errors import ConfigError
from zsl_runner.trainers.continual.conf import unfit_memory


class ExemplarMemory:
    """Positions of training rows, the first chosen of each class first.

    Args:
        data: the rows of all tasks.
        total: exemplars of all classes together, shared evenly by those so far; None for a number for each class.
        per_class: exemplars of each class; None likewise.

    Raises:
        ConfigError: there are fewer rows than exemplars, or fewer exemplars than classes.
    """

    def __init__(self, data: TaskTraining, total: int | None, per_class: int | None) -> None:
        self._order = data.order
        self._total, self._per_class = total, per_class
        counts = torch.bincount(data.data.labels, minlength=data.order.classes)
        self._rows = [int(count) for count in counts.tolist()]
        for problem in unfit_memory(total, per_class, data.order.classes, len(data.data), min(self._rows)):
            raise ConfigError(f"trainer.{problem.key}: {problem.message}")
        self._chosen: dict[int, Tensor] = {}

    def share(self, label: int, task: int) -> int:
        """Return how many exemplars of a class there are after a task."""
        if self._per_class is not None:
            return self._per_class
        assert self._total is not None
        return min(self._total // len(self._order.until(task)), self._rows[label])

    def kept(self, task: int) -> int:
        """Return how many exemplars of the classes before a task there are while it is trained."""
        return sum(self.share(label, task - 1) for label in range(self._order.of(task).start)) if task else 0

    def keep(self, label: int, positions: Tensor) -> None:
        """Take the exemplars of a class, int64 positions among the training rows in the order they were chosen."""
        self._chosen[label] = positions

    def of(self, label: int, task: int) -> Tensor:
        """Return the exemplars of a class after a task; those chosen last are given up first."""
        return self._chosen[label][: self.share(label, task)]

    def before(self, task: int) -> Tensor:
        """Return the exemplars of all classes before a task."""
        return torch.cat([self.of(label, task - 1) for label in range(self._order.of(task).start)])

    def state_dict(self) -> dict[str, Any]:
        """Return the exemplars by class."""
        return {str(label): positions for label, positions in self._chosen.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self._chosen = {int(label): positions for label, positions in state.items()}
