"""The phase in which importances of weights are learned from the rows of a task."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor

from zsl_runner.data.tasks.folds import TaskTraining
from zsl_runner.models.task_model import TaskNetwork
from zsl_runner.streams import Streams
from zsl_runner.trainers.continual.options import ImportanceTrainerConf
from zsl_runner.trainers.continual.pool import RowDraw
from zsl_runner.trainers.continual.regularisers import Regulariser
from zsl_runner.training.base import Phase, Step, StepReport


class ImportancePhase:
    """Goes once through rows of a task, in blocks, and sums the importances of weights on them.

    Args:
        conf: how many rows, and the classes whose outputs count.
        regulariser: knows importances.
        data: the rows of all tasks.
        network: one whose weights they are; only their shapes matter.
        decides_by_task: whether training decides among the classes of a row's own task.
        streams: random generators.

    Attributes:
        old: importances of all tasks so far, of the old network's weights.
        auxiliary: importances of the present task, of the auxiliary network's weights.
        old_held: which tensors of the old importances hold one above 0.
        auxiliary_held: likewise of the auxiliary ones.
    """

    def __init__(
        self,
        conf: ImportanceTrainerConf,
        regulariser: Regulariser,
        data: TaskTraining,
        network: TaskNetwork,
        decides_by_task: bool,
        streams: Streams,
    ) -> None:
        self._conf, self._regulariser, self._data, self._streams = conf, regulariser, data, streams
        self._by_task = decides_by_task and conf.outputs == "scenario"
        self.old, self.auxiliary, self._sums = (_zeros(network) for _ in range(3))
        self.old_held, self.auxiliary_held = _held(self.old), _held(self.auxiliary)
        self._pool = data.data.labels.new_empty(0)
        self._place = 0

    def after(self, name: str, task: int, old: TaskNetwork) -> Phase:
        """Return the phase that follows a task, in which those of the old network are brought up to date."""
        return self._phase(name, task, old, partial(self._settle, task == 0))

    def before(self, name: str, task: int, auxiliary: TaskNetwork) -> Phase:
        """Return the phase before a task, in which those of the auxiliary network are learned."""
        return self._phase(name, task, auxiliary, self._replace)

    def _phase(self, name: str, task: int, network: TaskNetwork, end: Callable[[], None]) -> Phase:
        rows = self._data.data.positions_of(self._data.order.of(task))
        count = len(rows) if self._conf.importance_rows is None else min(len(rows), self._conf.importance_rows)
        return Phase(
            name,
            math.ceil(count / self._conf.batch_size),
            Step(self._draw, partial(self._compute, task, network), self._turn),
            begin=partial(self._begin, rows, count),
            end=end,
            validates=False,
        )

    def _begin(self, rows: Tensor, count: int) -> None:
        if self._conf.mixes_rows or count < len(rows):
            generator = self._streams["importance_rows"]
            rows = rows[torch.randperm(len(rows), generator=generator, device=generator.device)[:count]]
        self._pool, self._place = rows, 0
        for total in self._sums:
            total.zero_()

    def _draw(self) -> RowDraw:
        return RowDraw(self._pool[self._place : self._place + self._conf.batch_size])

    def _turn(self) -> None:
        self._place += self._conf.batch_size

    def _compute(self, task: int, network: TaskNetwork, drawn: RowDraw) -> StepReport:
        x, labels = self._data.data.rows.take(drawn.positions), self._data.data.labels[drawn.positions]
        network.eval()
        classes = self._data.order.of(task) if self._by_task else self._data.order.until(task)
        found = self._regulariser.learn(network, x, labels, classes, self._streams["importance_classes"])
        for total, importance in zip(self._sums, found, strict=True):
            total.add_(importance)
        mean = torch.stack([importance.sum() for importance in found]).sum() / len(x)
        return StepReport({"importance": mean}, 0, {"x": x, "labels": labels})

    def _means(self) -> list[Tensor]:
        return [total / len(self._pool) for total in self._sums]

    def _settle(self, first: bool) -> None:
        _fill(self.old, self._regulariser.settle(self.old, self._means(), first))
        self.old_held = _held(self.old)

    def _replace(self) -> None:
        _fill(self.auxiliary, self._means())
        self.auxiliary_held = _held(self.auxiliary)

    def state_dict(self) -> dict[str, Any]:
        """Return the importances, and how far the present rows have been summed."""
        return {
            "old": self.old,
            "auxiliary": self.auxiliary,
            "sums": self._sums,
            "pool": self._pool,
            "place": self._place,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        for own, kept in ((self.old, "old"), (self.auxiliary, "auxiliary"), (self._sums, "sums")):
            _fill(own, state[kept])
        self.old_held, self.auxiliary_held = _held(self.old), _held(self.auxiliary)
        self._pool, self._place = state["pool"], state["place"]


def _zeros(network: TaskNetwork) -> list[Tensor]:
    return [torch.zeros_like(parameter, requires_grad=False) for parameter in network.parameters()]


def _held(importances: list[Tensor]) -> list[bool]:
    return [bool(importance.any()) for importance in importances]


def _fill(targets: list[Tensor], values: list[Tensor]) -> None:
    for target, value in zip(targets, values, strict=True):
        target.copy_(value)
