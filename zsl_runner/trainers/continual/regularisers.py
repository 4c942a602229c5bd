"""What base methods are: they hold weights (EWC, MAS), outputs (LwF, iCaRL) or features (LFL) near others."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import torch
from torch import Tensor

from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.models.task_model import TaskNetwork
from zsl_runner.objectives.continual import (
    binary_distillation,
    distillation,
    distillation_by_head,
    feature_distance,
    quadratic_penalty,
)
from zsl_runner.objectives.importance import accumulated, log_likelihood, output_size
from zsl_runner.trainers.continual.conf import EWCConf, LwFConf, MASConf
from zsl_runner.trainers.continual.row_gradients import RowGradients, batch_gradient


@dataclass(frozen=True)
class Reference:
    """A network that is not trained now, the old or the auxiliary one.

    Attributes:
        network: the network.
        classes: the classes it has learned and speaks for: all before the task, or those of the task.
        importances: of its weights, in the order of its parameters; empty for methods that learn none.
        held: which tensors of importances hold one above 0, in the same order.
        answers: (B, ...) what it says about the batch, see `Regulariser.answers`; None where that was not computed
            before.
    """

    network: TaskNetwork
    classes: range
    importances: list[Tensor]
    held: list[bool]
    answers: Tensor | None = None


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

    asks: ClassVar[bool] = False
    """Whether the penalty takes from a reference what it says about rows, which can be asked before the first step."""

    def __init__(self, conf: Any, order: TaskOrder) -> None:
        self.order = order

    @abstractmethod
    def penalty(self, student: Student, reference: Reference) -> Tensor:
        """Return how far the network in training is from the reference: a scalar, 0 or its smallest where it equals it.

        Called with gradient; none flows into the reference.
        """
        raise TypeError(f"{type(self).__name__} holds nothing")

    def answers(self, network: TaskNetwork, x: Tensor, classes: range) -> Tensor:
        """Return what the penalty takes from a reference: (B, ...) values, each of its own row.

        Args:
            network: the reference's.
            x: (B, ...) rows.
            classes: those it speaks for.
        """
        raise TypeError(f"{type(self).__name__} asks nothing")

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


class WeightPull(Regulariser):
    """Half the squared distances of weights, times importances.

    Args:
        conf: of EWC, whose importances are the diagonal of the Fisher information, or of MAS, whose are the absolute
            gradients of the outputs' norm.
        order: the tasks and their classes.
    """

    def __init__(self, conf: EWCConf | MASConf, order: TaskOrder) -> None:
        super().__init__(conf, order)
        self.conf = conf

    def penalty(self, student: Student, reference: Reference) -> Tensor:
        """Return `quadratic_penalty`; weights without any importance, as of heads to come, get no gradient from it.

        With one of zeros they would have a loss in the eyes of an optimiser, which lets such weights decay.
        """
        references = [parameter.detach() for parameter in reference.network.parameters()]
        pairs = zip(student.network.parameters(), reference.held, strict=True)
        own = [parameter if held else parameter.detach() for parameter, held in pairs]
        return quadratic_penalty(own, references, reference.importances)

    def learn(
        self, network: TaskNetwork, x: Tensor, labels: Tensor, classes: range, generator: torch.Generator
    ) -> list[Tensor]:
        """Return the importances on some rows, summed over them; see `Regulariser.learn`."""
        if isinstance(self.conf, MASConf):
            size = partial(_size, squared=self.conf.squared)
            sums = RowGradients(network, x, classes).sums(size, labels, torch.abs)
        else:
            sums = fisher_sums(network, x, labels - classes.start, classes, self.conf.estimator, generator)
        if self.conf.held == "all":
            return sums
        named = zip(network.named_parameters(), sums, strict=True)
        return [value if network.is_shared(name) else torch.zeros_like(value) for (name, _), value in named]

    def settle(self, earlier: list[Tensor], new: list[Tensor], first: bool) -> list[Tensor]:
        """Return the importances of all tasks so far; see `accumulated`."""
        return accumulated(earlier, new, self.conf.accumulate, self.conf.decay, first)


def fisher_sums(
    network: TaskNetwork, x: Tensor, targets: Tensor, classes: range, estimator: str, generator: torch.Generator
) -> list[Tensor]:
    r"""Return the diagonal of the Fisher information, summed over rows, in the order of the parameters.

    .. math:: \sum_b \mathbb{E}_y \Big( \frac{\partial \log p(y | x_b)}{\partial \theta_i} \Big)^2

    Args:
        network: the network.
        x: (B, ...) rows.
        targets: (B,) int64 places of the rows' labels among the classes.
        classes: among which p decides.
        estimator: the expectation is over p (``exact``), one y drawn from it (``sampled``) or the label
            (``empirical``); or the gradient is that of the mean over rows, and its square times B squared over B
            (``batched``).
        generator: for drawn classes.

    Source: Kirkpatrick et al. 2017; the estimators as van de Ven 2025 compares them; ``batched`` as in the code
    released with ANCL, where it is summed over batches and divided by the number of rows.
    """
    if estimator == "batched":
        return [len(x) * g.square() for g in batch_gradient(network, x, classes, log_likelihood, targets)]
    rows = RowGradients(network, x, classes)
    if estimator == "empirical":
        return rows.sums(log_likelihood, targets, torch.square)
    likelihoods = rows.logits.detach().softmax(1)
    if estimator == "sampled":
        waiting = torch.empty_like(likelihoods).exponential_(generator=generator)
        return rows.sums(log_likelihood, (likelihoods / waiting).argmax(1), torch.square)
    sums = [torch.zeros_like(parameter) for parameter in network.parameters()]
    for place in range(len(classes)):
        squares = rows.sums(log_likelihood, torch.full_like(targets, place), torch.square, likelihoods[:, place])
        sums = [total + square for total, square in zip(sums, squares, strict=True)]
    return sums


def _size(logits: Tensor, _targets: Tensor, squared: bool) -> Tensor:
    return output_size(logits, squared)


class AnswerPull(Regulariser):
    """Base of those that hold what a network says about rows; here its logits."""

    asks = True

    def answers(self, network: TaskNetwork, x: Tensor, classes: range) -> Tensor:
        """Return the (B, len(classes)) logits; see `Regulariser.answers`."""
        logits: Tensor = network(x, classes)
        return logits

    def theirs(self, student: Student, reference: Reference) -> Tensor:
        """Return what the reference says about the batch."""
        if reference.answers is not None:
            return reference.answers
        with torch.no_grad():
            return self.answers(reference.network, student.x, reference.classes)


class SoftenedOutputs(AnswerPull):
    """LwF: softened outputs stay as the reference's are.

    Args:
        conf: temperature, and which heads are softened together.
        order: the tasks and their classes.
    """

    def __init__(self, conf: LwFConf, order: TaskOrder) -> None:
        super().__init__(conf, order)
        self.conf = conf

    def penalty(self, student: Student, reference: Reference) -> Tensor:
        """Return `distillation`, or the sum of it over heads."""
        classes = reference.classes
        if self.conf.heads == "all" and classes.start == 0:  # of the old network
            classes = self.order.until(self.order.task_of_class[classes.stop])
        own, theirs = student.network.classify(student.features, classes), self.theirs(student, reference)
        if self.conf.heads != "each":
            return distillation(own, theirs, self.conf.temperature)
        spans = [self.order.of(task) for task in range(self.order.tasks)]
        sizes = [len(span) for span in spans if span.start in reference.classes]
        return distillation_by_head(own, theirs, self.conf.temperature, sizes)


class SingleOutputs(AnswerPull):
    """iCaRL: outputs, taken one by one, stay as the reference's are."""

    def penalty(self, student: Student, reference: Reference) -> Tensor:
        """Return `binary_distillation`."""
        own = student.network.classify(student.features, reference.classes)
        return binary_distillation(own, self.theirs(student, reference))


class Features(AnswerPull):
    """LFL: normalised features stay as the reference's are, those of rows and, where it has some, those of classes."""

    def answers(self, network: TaskNetwork, x: Tensor, classes: range) -> Tensor:
        """Return the (B, F) features; see `Regulariser.answers`."""
        return network.represent(x)

    def penalty(self, student: Student, reference: Reference) -> Tensor:
        """Return `feature_distance` of rows, plus that of the reference's classes where they have features, too.

        Logits depend on both: with rows alone held, the classes of earlier tasks would move away from them.
        """
        of_rows = feature_distance(student.features, self.theirs(student, reference))
        own = student.network.class_features(reference.classes)
        if own is None:
            return of_rows
        with torch.no_grad():
            theirs = reference.network.class_features(reference.classes)
        assert theirs is not None
        return of_rows + feature_distance(own, theirs)
