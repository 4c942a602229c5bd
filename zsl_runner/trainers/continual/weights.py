"""Weights held near others by their importances: EWC and MAS."""

from __future__ import annotations

from functools import partial

import torch
from torch import Tensor

from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.models.task_model import TaskNetwork
from zsl_runner.objectives.continual import quadratic_penalty
from zsl_runner.objectives.importance import accumulated, log_likelihood, output_size
from zsl_runner.trainers.continual.conf import EWCConf, MASConf
from zsl_runner.trainers.continual.regulariser import Reference, Regulariser, Student
from zsl_runner.trainers.continual.row_gradients import RowGradients, batch_gradient


class WeightPull(Regulariser):
    """Half the squared distances of weights, times importances.

    Args:
        conf: of EWC, whose importances are the diagonal of the Fisher information, or of MAS, whose are the absolute
            gradients of the outputs' norm.
        order: the tasks and their classes.
    """

    learns = True

    def __init__(self, conf: EWCConf | MASConf, order: TaskOrder) -> None:
        super().__init__(conf, order)
        self.conf = conf

    def penalty(self, student: Student, reference: Reference) -> Tensor:
        """Return `quadratic_penalty`."""
        references = [parameter.detach() for parameter in reference.network.parameters()]
        return quadratic_penalty(student.network.parameters(), references, reference.importances)

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
