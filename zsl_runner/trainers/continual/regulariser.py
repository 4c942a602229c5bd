"""What a base method is: how it holds a network near another, and what it must learn of that other first."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.models.task_model import TaskNetwork


@dataclass(frozen=True)
class Reference:
    """A network that is not trained now, the old or the auxiliary one.

    Attributes:
        network: the network.
        classes: the classes it has learned and speaks for: all before the task, or those of the task.
        importances: of its weights, in the order of its parameters; empty for methods that learn none.
    """

    network: TaskNetwork
    classes: range
    importances: list[Tensor]


@dataclass(frozen=True)
class Student:
    """The network in training, with a batch.

    Attributes:
        network: the network.
        x: rows.
        features: (B, F) of the rows.
    """

    network: TaskNetwork
    x: Tensor
    features: Tensor


class Regulariser:
    """Base of the methods. ANCL is their second use: the same pull to another network.

    Args:
        conf: the trainer's options.
        order: the tasks and their classes.
    """

    learns: ClassVar[bool] = False
    """Whether importances of weights are to be learned from rows of a task."""

    def __init__(self, conf: Any, order: TaskOrder) -> None:
        self.order = order

    @abstractmethod
    def penalty(self, student: Student, reference: Reference) -> Tensor:
        """Return how far the network in training is from the reference: a scalar, 0 or its smallest where it equals it.

        Called with gradient; none flows into the reference.
        """
        raise TypeError(f"{type(self).__name__} holds nothing")

    def learn(
        self, network: TaskNetwork, x: Tensor, labels: Tensor, classes: range, generator: torch.Generator
    ) -> list[Tensor]:
        """Return the importances of weights on rows of a task, summed over rows, in the order of the parameters.

        Args:
            network: the network at the end of its training.
            x: (B, ...) rows.
            labels: (B,) int64 classes.
            classes: those whose outputs count.
            generator: for classes that are drawn, on the device of the rows.
        """
        raise TypeError(f"{type(self).__name__} learns nothing")

    def settle(self, earlier: list[Tensor], new: list[Tensor], first: bool) -> list[Tensor]:
        """Return the importances of all tasks so far.

        Args:
            earlier: of the tasks before.
            new: of the task just learned, means over its rows.
            first: whether it is the first task.
        """
        raise TypeError(f"{type(self).__name__} learns nothing")
