"""Which rows of a class are kept, and the phase in which they are chosen and the means are taken to classify by."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn.functional import normalize

from zsl_runner.data.tasks.folds import TaskTraining
from zsl_runner.models.networks import evaluating
from zsl_runner.models.task_model import TaskModel
from zsl_runner.streams import Streams
from zsl_runner.trainers.continual.memory import ExemplarMemory
from zsl_runner.training.base import Drawn, Phase, Step, StepReport

BLOCK: Final = 1024
"""Rows represented at a time."""


@torch.no_grad()
def herded(features: Tensor, count: int) -> Tensor:
    r"""Return rows in an order in which the mean of the first ones follows the mean of all.

    .. math:: p_k = \arg\min_{i \notin \{p_1, \dots, p_{k-1}\}}
        \Big\| \mu - \tfrac1k \Big( f_i + \sum_{j<k} f_{p_j} \Big) \Big\|

    Args:
        features: (n, F) of one class, of unit norm in iCaRL.
        count: how many, at most n.

    Returns:
        (count,) int64 positions, all different; of equal distances the first.

    Source: Rebuffi et al. 2017 (iCaRL), algorithm 4; Welling 2009.

    >>> herded(torch.tensor([[0.0], [1.0], [4.0]]), 2).tolist()
    [1, 2]
    """
    away = features - features.mean(0)
    squares = away.square().sum(1)
    chosen = torch.empty(count, dtype=torch.int64, device=features.device)
    total = torch.zeros_like(away[0])
    taken = torch.zeros(len(features), device=features.device)
    for k in range(count):
        # |total + f|^2 up to what all rows have in common. Of rows less their mean it is as small as they are close to
        # each other; with a mean of norm near 1 in it, rounding would decide between rows.
        distances = squares + 2 * (away @ total) + taken
        best = distances.argmin(0, keepdim=True)  # an index of one row, for a single number would be waited for
        chosen[k : k + 1] = best
        total = total + away[best].squeeze(0)
        taken.index_fill_(0, best, torch.inf)
    return chosen


@dataclass(frozen=True)
class ClassDraw(Drawn):
    """The class of a step; every step is a variant of its own.

    Attributes:
        label: the class.
        rows: (n,) int64, where the task's rows of a new class are; None for a class of an earlier task.
    """

    label: int
    rows: Tensor | None


class ExemplarPhase:
    """After a task: a step for each class so far. Of new classes exemplars are chosen; of all, means are taken.

    Args:
        model: the networks.
        data: the rows of all tasks.
        memory: where exemplars are kept.
        selection: ``herding`` or ``random``.
        streams: random generators.

    Attributes:
        memory: where exemplars are kept.
    """

    def __init__(
        self, model: TaskModel, data: TaskTraining, memory: ExemplarMemory, selection: str, streams: Streams
    ) -> None:
        self.memory = memory
        self._model, self._data, self._selection, self._streams = model, data, selection, streams
        with evaluating(model.main), torch.no_grad():
            width = model.main.represent(data.data.rows.take(data.data.labels.new_zeros(1))).shape[1]
        model.keep_prototypes(width)
        self._label = 0

    def phase(self, name: str, task: int) -> Phase:
        """Return the phase that follows a task."""
        classes = len(self._data.order.until(task))
        return Phase(
            name,
            classes,
            Step(partial(self._draw, task), partial(self._compute, task), self._turn),
            begin=self._begin,
            end=partial(self._model.finish_task, task),
            validate_every=classes,  # before the end not all means are there
            whole=True,  # the next task is trained on exemplars of each class
        )

    def _begin(self) -> None:
        self._label = 0

    def _draw(self, task: int) -> ClassDraw:
        if self._label not in self._data.order.of(task):
            return ClassDraw(self._label, None)
        return ClassDraw(self._label, self._data.data.positions_of(range(self._label, self._label + 1)))

    def _turn(self) -> None:
        self._label += 1

    @torch.no_grad()
    def _compute(self, task: int, drawn: ClassDraw) -> StepReport:
        label = drawn.label
        if drawn.rows is not None:
            self.memory.keep(label, self._chosen(drawn.rows, self.memory.share(label, task)))
        mean = self._places(self.memory.of(label, task)).mean(0)
        self._model.prototypes[task, label] = normalize(mean, dim=0)
        return StepReport({"spread": 1 - mean.norm()}, 0)

    def _chosen(self, rows: Tensor, count: int) -> Tensor:
        if self._selection == "herding":
            return rows[herded(self._places(rows), count)]
        generator = self._streams["exemplars"]
        return rows[torch.randperm(len(rows), generator=generator, device=generator.device)[:count]]

    def _places(self, rows: Tensor) -> Tensor:
        """Return the (n, F) features of training rows, of unit norm."""
        network = self._model.main.eval()
        blocks = [network.represent(self._data.data.rows.take(block)) for block in torch.split(rows, BLOCK)]
        return normalize(torch.cat(blocks))

    def state_dict(self) -> dict[str, Any]:
        """Return the exemplars and the next class."""
        return {"memory": self.memory.state_dict(), "label": self._label}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self.memory.load_state_dict(state["memory"])
        self._label = state["label"]
