"""What trainers and evaluators of tasks may ask of a model: networks with logits of any tasks, and copies of them."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.utils import parameters_to_vector

from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.models.base import Model

MAIN, AUXILIARY = 0, 1
"""Places of the networks in the statistics that are kept."""


class TaskNetwork(nn.Module):
    """Base of the networks of task models: features of rows, and logits of classes from them.

    Classes are numbered in the order of tasks; see `zsl_runner.data.tasks.folds`.

    Attributes:
        class_vectors: (K, A) of all classes, where they have some; empty until they are told.
    """

    class_vectors: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("class_vectors", torch.zeros(0, 0), persistent=False)

    def forward(self, x: Tensor, classes: range) -> Tensor:
        """Return the (B, len(classes)) logits of rows."""
        return self.classify(self.represent(x), classes)

    @abstractmethod
    def represent(self, x: Tensor) -> Tensor:
        """Return the (B, F) features of rows."""
        raise TypeError(f"{type(self).__name__} has no features")

    @abstractmethod
    def layers(self, x: Tensor) -> dict[str, Tensor]:
        """Return the (B, ...) outputs of the layers by name, the features last, for comparisons of networks."""
        raise TypeError(f"{type(self).__name__} shows no layers")

    @abstractmethod
    def classify(self, features: Tensor, classes: range) -> Tensor:
        """Return the (B, len(classes)) logits of the classes of whole tasks that follow one another."""
        raise TypeError(f"{type(self).__name__} has no logits")

    def class_features(self, classes: range) -> Tensor | None:
        """Return the (len(classes), F') features of classes where the network learns some; None for heads."""
        return None

    def is_shared(self, name: str) -> bool:
        """Tell whether a parameter, by its name, serves all tasks; those of heads serve one."""
        return True

    def row_layers(self) -> list[nn.Module]:
        """Return the linear and convolutional layers that see each row on its own.

        The gradient of a row with respect to their weights follows from what goes into them and the gradient of what
        comes out, see `zsl_runner.objectives.importance`.
        """
        return [module for module in self.modules() if isinstance(module, (nn.Linear, nn.Conv2d))]


class SearchRecord(NamedTuple):
    """What a search of weights ended with in a task.

    Attributes:
        factor: what the weights were multiplied by, above 0 and at most 1.
        reached: accuracy of the network on held-out rows of the task, in per cent.
        reference: likewise of the auxiliary network.
        is_enough: 1 if the first is near enough to the second, 0 if there was no further try.
    """

    factor: float
    reached: float
    reference: float
    is_enough: float


class TaskModel(Model):
    """Capability ``task_logits``: the network that is trained, the two it may be held to, and copies after each task.

    Parameter groups: ``model``, the network that is kept, and ``auxiliary``, which is trained on a task alone.

    Args:
        network: with all its heads.
        order: the tasks and their classes.

    Attributes:
        order: the tasks and their classes.
        main: the network that is trained and evaluated.
        old: its copy after the last task; never trained.
        auxiliary: its copy that is fine-tuned on the present task.
        finished: () int64 number of tasks that training is done with.
        snapshots: (T, P) parameters of `main` after each task; zero for those to come.
        statistics: (2, T, S) what `main` and `auxiliary` count beside their parameters, such as the means of a
            batch norm, after each task; a network without any has S = 0, and nothing of it in checkpoints.
        auxiliaries: (T, P) parameters of `auxiliary` after each task, or (0, P) if no trainer asked for them.
        joint: (P,) parameters of a copy of the network before the last task that was trained on the rows of all tasks,
            or (0,) if no trainer asked for it; only of networks without statistics.
        searched: (T, 4) what a search of weights found in each task, see `SearchRecord`, 0 where there was none; None
            if no trainer asked for it.
        prototypes: (T, K, F) class means in the features of `main` after each task, or (0, K, F) if no trainer asked
            for them; rows are then classified by the nearest of them.
    """

    snapshots: Tensor
    statistics: Tensor
    searched: Tensor | None
    auxiliaries: Tensor
    joint: Tensor
    prototypes: Tensor
    finished: Tensor

    def __init__(self, network: TaskNetwork, order: TaskOrder) -> None:
        super().__init__()
        self.order = order
        self.main = network
        self.old = copy.deepcopy(network).requires_grad_(False)
        self.auxiliary = copy.deepcopy(network)
        width = sum(parameter.numel() for parameter in network.parameters())
        self.register_buffer("finished", torch.zeros((), dtype=torch.int64))
        self.register_buffer("snapshots", torch.zeros(order.tasks, width))
        counted = sum(value.numel() for value in statistics_of(network))
        self.register_buffer("statistics", torch.zeros(2, order.tasks, counted), persistent=counted > 0)
        self.register_buffer("auxiliaries", torch.zeros(0, width))
        self.register_buffer("joint", torch.zeros(0))
        self.register_buffer("prototypes", torch.zeros(0, order.classes, 0))
        self.register_buffer("searched", None)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return the parameters of the main and of the auxiliary network."""
        return {"model": list(self.main.parameters()), "auxiliary": list(self.auxiliary.parameters())}

    def describe(self, class_vectors: Tensor) -> None:
        """Tell the networks the (K, A) vectors of all classes, in the order of tasks."""
        for network in (self.main, self.old, self.auxiliary):
            network.class_vectors = class_vectors

    def keep_auxiliaries(self) -> None:
        """Make room for the auxiliary networks' parameters."""
        self.auxiliaries = torch.zeros_like(self.snapshots)

    def keep_joint(self) -> None:
        """Make room for the parameters of the network that is trained on all tasks."""
        self.joint = torch.zeros_like(self.snapshots[0])

    def keep_prototypes(self, features: int) -> None:
        """Make room for class means, and classify by the nearest of them."""
        shape = (self.order.tasks, self.order.classes, features)
        self.prototypes = torch.zeros(shape, device=self.snapshots.device)

    def keep_search(self) -> None:
        """Make room for what a search of weights finds in each task."""
        shape = (self.order.tasks, len(SearchRecord._fields))
        self.searched = torch.zeros(shape, device=self.snapshots.device)

    @torch.no_grad()
    def note_search(self, task: int, found: SearchRecord) -> None:
        """Keep what a search of weights found in a task."""
        assert self.searched is not None
        for place, value in enumerate(found):
            self.searched[task, place] = value

    def found_by_search(self) -> list[SearchRecord]:
        """Return what a search of weights found in each task that is done but the first; nothing without a search."""
        if self.searched is None:
            return []
        return [SearchRecord(*values) for values in self.searched[1 : int(self.finished)].tolist()]

    @torch.no_grad()
    def begin_again(self) -> None:
        """Make the main network the old one again."""
        copy_values(self.old, self.main)

    @torch.no_grad()
    def finish_task(self, task: int) -> None:
        """Keep the main network as it is after a task, and as the old network of the next one."""
        copy_values(self.main, self.old)
        self.snapshots[task] = parameters_to_vector(self.main.parameters())
        self._count(MAIN, task)
        self.finished.fill_(task + 1)

    @torch.no_grad()
    def begin_auxiliary(self) -> None:
        """Make the auxiliary network a copy of the main one."""
        copy_values(self.main, self.auxiliary)

    @torch.no_grad()
    def finish_auxiliary(self, task: int) -> None:
        """Keep the auxiliary network as it is after a task."""
        self.auxiliaries[task] = parameters_to_vector(self.auxiliary.parameters())
        self._count(AUXILIARY, task)

    @torch.no_grad()
    def begin_joint(self) -> None:
        """Make the auxiliary network what the main one was before the last task."""
        _fill(list(self.auxiliary.parameters()), self.snapshots[-2])

    @torch.no_grad()
    def finish_joint(self) -> None:
        """Keep the auxiliary network, now trained on the rows of all tasks."""
        self.joint.copy_(parameters_to_vector(self.auxiliary.parameters()))

    @contextmanager
    def as_after(self, task: int) -> Iterator[TaskNetwork]:
        """Lend the main network as it was after a task."""
        with loaded(self.main, self.snapshots[task], self.statistics[MAIN, task]):
            yield self.main

    @contextmanager
    def as_auxiliary(self, task: int) -> Iterator[TaskNetwork]:
        """Lend the main network as a task's auxiliary one was after it."""
        with loaded(self.main, self.auxiliaries[task], self.statistics[AUXILIARY, task]):
            yield self.main

    def _count(self, which: int, task: int) -> None:
        if values := statistics_of(self.auxiliary if which == AUXILIARY else self.main):
            self.statistics[which, task] = torch.cat([value.flatten().float() for value in values])

    def scores(self, x: Tensor, classes: range, task: int | None) -> Tensor:
        """Return (B, len(classes)) scores of rows, the larger the likelier; called without gradient.

        Logits of the main network as it is; or, if the model has class means, minus the squared distances from those
        after a task, in features of unit norm.

        Args:
            x: rows.
            classes: of whole tasks that follow one another.
            task: the task after which the class means were taken; None in the middle of one, where there are none.
        """
        features = self.main.represent(x)
        if task is None or not len(self.prototypes):
            return self.main.classify(features, classes)
        unit = nn.functional.normalize(features)
        return -torch.cdist(unit, self.prototypes[task, classes.start : classes.stop]).square()

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True, assign: bool = False) -> Any:
        """Take up a state; rooms for copies that the state has are made."""
        if self.searched is None and "searched" in state_dict:
            self.keep_search()
        for name in ("auxiliaries", "joint", "prototypes"):
            kept = state_dict[name]
            if getattr(self, name).shape != kept.shape:
                setattr(self, name, torch.zeros_like(kept, device=self.snapshots.device))
        return super().load_state_dict(state_dict, strict, assign)


def statistics_of(network: nn.Module) -> list[Tensor]:
    """Return the tensors of a network that are kept with it and are no parameters, such as a batch norm's means."""
    parameters = {name for name, _ in network.named_parameters(remove_duplicate=False)}
    return [value for name, value in network.state_dict(keep_vars=True).items() if name not in parameters]


def copy_values(source: nn.Module, target: nn.Module) -> None:
    """Give a network the parameters and statistics of another of its kind, in place."""
    for theirs, own in zip(source.parameters(), target.parameters(), strict=True):
        own.copy_(theirs)
    for counted, kept in zip(statistics_of(source), statistics_of(target), strict=True):
        kept.copy_(counted)


@contextmanager
def loaded(network: nn.Module, vector: Tensor, statistics: Tensor | None = None) -> Iterator[None]:
    """Give a network other parameters for a while.

    Args:
        network: the network.
        vector: (P,) all its parameters.
        statistics: (S,) what it counts beside them; None leaves its own.
    """
    parameters: list[Tensor] = list(network.parameters())
    counted = [] if statistics is None else statistics_of(network)
    with torch.no_grad():
        kept = [value.clone() for value in (*parameters, *counted)]
        _fill(parameters, vector)
        if statistics is not None:
            _fill(counted, statistics)
    try:
        yield
    finally:
        with torch.no_grad():
            for value, before in zip((*parameters, *counted), kept, strict=True):
                value.copy_(before)


def _fill(tensors: Sequence[Tensor], vector: Tensor) -> None:
    for tensor, values in zip(tensors, torch.split(vector, [t.numel() for t in tensors]), strict=True):
        tensor.copy_(values.view_as(tensor))
