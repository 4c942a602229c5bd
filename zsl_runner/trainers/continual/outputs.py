"""Outputs and features held near those of other networks: LwF, iCaRL and LFL."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.data.tasks.order import TaskOrder
from zsl_runner.objectives.continual import (
    binary_distillation,
    distillation,
    distillation_by_head,
    feature_distance,
)
from zsl_runner.trainers.continual.conf import LwFConf
from zsl_runner.trainers.continual.regulariser import Reference, Regulariser, Student


class SoftenedOutputs(Regulariser):
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
        own, theirs = _outputs(student, reference, classes)
        if self.conf.heads != "each":
            return distillation(own, theirs, self.conf.temperature)
        spans = [self.order.of(task) for task in range(self.order.tasks)]
        sizes = [len(span) for span in spans if span.start in reference.classes]
        return distillation_by_head(own, theirs, self.conf.temperature, sizes)


class SingleOutputs(Regulariser):
    """iCaRL: outputs, taken one by one, stay as the reference's are."""

    def penalty(self, student: Student, reference: Reference) -> Tensor:
        """Return `binary_distillation`."""
        return binary_distillation(*_outputs(student, reference, reference.classes))


class Features(Regulariser):
    """LFL: normalised features stay as the reference's are."""

    def penalty(self, student: Student, reference: Reference) -> Tensor:
        """Return `feature_distance`."""
        with torch.no_grad():
            theirs = reference.network.represent(student.x)
        return feature_distance(student.features, theirs)


def _outputs(student: Student, reference: Reference, classes: range) -> tuple[Tensor, Tensor]:
    """Return the logits of the network in training for some classes, and of the reference for those it speaks for."""
    own = student.network.classify(student.features, classes)
    with torch.no_grad():
        theirs = reference.network(student.x, reference.classes)
    return own, theirs
