"""Phases in which class maps are learned, each with its schedule of learning rates and its own loss."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor

from zsl_runner.data.rows import EpochSampler
from zsl_runner.models.class_mapping import ClassMapper
from zsl_runner.models.networks import freeze_statistics, has_initial_statistics
from zsl_runner.trainers.class_mapping_conf import ClassMappingTrainerConf, PhaseConf
from zsl_runner.training.base import Drawn, Phase, Step, StepReport, Trainer, TrainingContext

GROUPS = ("backbone", "heads")

Terms = Callable[..., Mapping[str, Tensor]]
"""From the tensors of a `TaggedDraw`, in its order, to the terms of the loss."""


@dataclass(frozen=True)
class TaggedDraw(Drawn):
    """The batch of a step.

    Attributes:
        x: (B, C, H, W) images.
        tags: (B, K - 1).
        masks: (B, H, W) uint8 if training may see them, else None.
    """

    x: Tensor
    tags: Tensor
    masks: Tensor | None = None


class ClassMappingTrainer(Trainer):
    """Base of what trains a `ClassMapper`; a step is a batch of images as the training set hands them out.

    Args:
        conf: the procedure's options.
        context: what it works on; the model must be a `ClassMapper`, the data a `TaggedTrainingSet` or one with masks.
    """

    conf: ClassMappingTrainerConf

    def __init__(self, conf: ClassMappingTrainerConf, context: TrainingContext[Any]) -> None:
        super().__init__(conf, context)
        if not isinstance(context.model, ClassMapper):
            raise TypeError(f"{type(context.model).__name__} maps no classes")
        self.model = context.model
        self.conf = conf
        self._sampler = EpochSampler(len(context.data), context.streams["batches"])
        self._done = 0

    @abstractmethod
    def plan(self) -> Sequence[tuple[str, PhaseConf, Terms]]:
        """Return the name, the options and the loss of each phase."""

    def phases(self) -> Sequence[Phase]:
        """Return the phases that have steps."""
        return [
            Phase(
                name,
                conf.steps,
                Step(partial(self._draw, conf), partial(self._compute, conf, terms), self._finish),
                begin=self._begin,
            )
            for name, conf, terms in self.plan()
            if conf.steps
        ]

    def _begin(self) -> None:
        self._done = 0
        if self.conf.restart_optimisers:
            for group in GROUPS:
                self.context.optimisers.restart(group)

    def _draw(self, phase: PhaseConf) -> TaggedDraw:
        factor = phase.factor_at(self._done)
        for group, conf in self.conf.optimisers().items():
            self.context.optimisers.set_lr(group, conf.lr * factor)
        positions = self._sampler.draw(self.conf.batch_size)
        return TaggedDraw(*self.context.data.take(positions, self.context.streams["flips"]))

    def _compute(self, phase: PhaseConf, terms: Terms, drawn: TaggedDraw) -> StepReport:
        self.model.train()
        if phase.frozen_statistics:
            freeze_statistics(self.model)
        batch = drawn.tensors()
        with self.context.runtime.autocast():
            found = terms(*batch.values())
        return StepReport(self.context.minimize_terms(found, *GROUPS), len(drawn.x), batch)

    def _finish(self) -> None:
        self._done += 1

    def warnings(self) -> list[str]:
        """Return that batch norm was frozen before it had measured anything, as random weights come with."""
        frozen = [name for name, conf, _ in self.plan() if conf.steps and conf.frozen_statistics]
        if not frozen or not has_initial_statistics(self.model):
            return []
        return [
            f"trainer.{frozen[0]}.frozen_statistics=true kept batch norm at its first means and variances, 0 and 1, "
            "which are not those of any image: nothing was trained before. Begin with model.weights, or use false."
        ]

    def state_dict(self) -> dict[str, Any]:
        """Return the sampler's position and the steps done in the phase."""
        return {"sampler": self._sampler.state_dict(), "done": self._done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self._sampler.load_state_dict(state["sampler"])
        self._done = state["done"]
