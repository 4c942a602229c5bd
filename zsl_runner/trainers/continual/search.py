"""Weights of pulls that are lowered until the network learns a task nearly as well as with nothing to hold it."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from zsl_runner.data.tasks.folds import TaskRows, TaskTraining
from zsl_runner.errors import OptionError
from zsl_runner.models.task_model import SearchRecord, TaskModel, TaskNetwork
from zsl_runner.streams import Streams
from zsl_runner.trainers.continual.options import SearchConf
from zsl_runner.training.runtime import Runtime

log = logging.getLogger(__name__)


def parted(data: TaskTraining, share: float, streams: Streams) -> tuple[TaskTraining, TaskRows]:
    """Return the data without some rows of each class, drawn at random, and these rows.

    Args:
        data: the rows of all tasks.
        share: of the rows of a class that are held out, in 0..1, rounded; at least one, unless it has no other.
        streams: random generators.

    Raises:
        OptionError: there are no such rows of some task, for its classes have one row each.
    """
    rows, order, generator = data.data, data.order, streams["held_out"]
    is_held = torch.zeros_like(rows.labels, dtype=torch.bool)
    for label in range(order.classes):
        positions = rows.positions_of(range(label, label + 1))
        count = min(max(1, round(share * len(positions))), len(positions) - 1)
        drawn = torch.randperm(len(positions), generator=generator, device=generator.device)[:count]
        is_held.index_fill_(0, positions[drawn], True)
    for task in range(order.tasks):
        if not bool(is_held[rows.positions_of(order.of(task))].any()):
            raise OptionError(
                f"trainer.search.tries: rows of each task are held out, and of the classes of task {task + 1} there is "
                "one each; expected 1, or more rows"
            )
    return replace(data, data=_at(rows, ~is_held)), _at(rows, is_held)


def _at(rows: TaskRows, chosen: Tensor) -> TaskRows:
    positions = chosen.nonzero().flatten()
    return TaskRows(rows.rows.part(positions), rows.labels[positions])


class StabilitySearch:
    r"""Tries a task with weights that become smaller and smaller.

    .. math:: \lambda_n = \delta^{n-1} \lambda, \quad \text{until} \quad a(\theta_n) \ge (1 - p) \, a(\theta_{aux})

    a is the accuracy on rows of the task that are held out, the auxiliary network being the one that nothing holds. Of
    a task no other task's rows are asked, neither earlier ones nor later ones. Each task begins with the weights that
    are given; with each try that of the pull to the auxiliary network falls as that of the pull to the old one does.

    Args:
        conf: delta, p and the most tries.
        held_out: rows of all tasks that training does not see.
        model: the networks; what is found is noted there.
        runtime: device and precision.

    Attributes:
        factor: () float32, what the weights of the present try are multiplied by; changed in place.

    Source: De Lange et al. 2021 (stability decay, the second phase of their continual hyperparameter framework). FACIL,
    whose search the code released with ANCL has, measures the accuracy with the task given, and takes the weight that
    follows the last failed try without trying it.
    """

    def __init__(self, conf: SearchConf, held_out: TaskRows, model: TaskModel, runtime: Runtime) -> None:
        self._conf, self._held_out, self._model, self._runtime = conf, held_out, model, runtime
        self.factor = torch.ones((), device=held_out.labels.device)
        self._tries, self._fails, self._reference = 0, False, math.nan
        model.keep_search()

    def begin_try(self) -> None:
        """Begin the first try of a task, or the next one if the last failed, from the old network."""
        if self._fails:
            self.factor.mul_(self._conf.factor)
            self._model.begin_again()
        else:
            self.factor.fill_(1)
            self._tries = 0
        self._tries, self._fails = self._tries + 1, False

    def refer(self, classes: range, task: range) -> None:
        """Measure the auxiliary network, which the next tries are compared to.

        Args:
            classes: those that training decides among.
            task: the task's own.
        """
        self._reference = self._accuracy(self._model.auxiliary, classes, task)

    def judge(self, number: int, classes: range, task: range) -> None:
        """Measure the network after a try, and decide whether another one follows.

        Args:
            number: of the task, from 0.
            classes: those that training decides among.
            task: the task's own.
        """
        reached, factor = self._accuracy(self._model.main, classes, task), float(self.factor)
        least = (1 - self._conf.drop) * self._reference
        self._fails = reached < least and self._tries < self._conf.tries
        if not self._fails:
            self._model.note_search(number, SearchRecord(factor, reached, self._reference, reached >= least))
        log.info(
            "task %d, try %d: weights times %g, %.1f %% of the held-out rows, %.1f %% with nothing to hold it; %s",
            number + 1,
            self._tries,
            factor,
            reached,
            self._reference,
            "once more" if self._fails else "kept",
        )

    def fails(self) -> bool:
        """Tell whether the last try counts for nothing."""
        return self._fails

    def warnings(self) -> list[str]:
        """Return in which tasks the last try was kept although the network learned too little."""
        found = enumerate(self._model.found_by_search(), 2)
        tasks = [str(number) for number, record in found if not record.is_enough]
        if not tasks:
            return []
        least = f"(1 - {self._conf.drop:g}) times as many"
        return [
            f"trainer.search: of task {', '.join(tasks)} the network decides fewer than {least} held-out rows as an "
            "auxiliary one even with the smallest of the weights that were tried; expected more tries, a smaller "
            "factor, or a smaller weight to begin with"
        ]

    @torch.no_grad()
    def _accuracy(self, network: TaskNetwork, classes: range, task: range) -> float:
        """Return the share of the task's held-out rows that are decided rightly, in per cent."""
        positions = self._held_out.positions_of(task)
        right = 0
        network.eval()
        for block in torch.split(positions, 1024):
            with self._runtime.autocast():
                logits = network(self._held_out.rows.take(block), classes)
            right += int((logits.argmax(1) + classes.start == self._held_out.labels[block]).sum())
        return 100 * right / len(positions)

    def state_dict(self) -> dict[str, Any]:
        """Return where the search of the present task stands."""
        return {"factor": self.factor, "tries": self._tries, "fails": self._fails, "reference": self._reference}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self.factor.copy_(state["factor"])
        self._tries, self._fails, self._reference = state["tries"], state["fails"], state["reference"]
