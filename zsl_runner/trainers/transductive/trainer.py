"""Transductive training: the seen-class loss plus the model's terms on unlabelled rows of the unseen classes.

The labels of those rows are never part of the training data; a test shuffles them and demands equal weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from zsl_runner.data.rows import EpochSampler
from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.models.base import TransductiveGenerator
from zsl_runner.models.networks import require_normalisable
from zsl_runner.trainers.seen_classes import WITHOUT_NORM, SeenClassStep, SeenDraw, ended_on_seen_classes
from zsl_runner.trainers.transductive.conf import TransductiveTrainerConf
from zsl_runner.training.base import Drawn, Phase, Step, StepReport, Trainer, TrainingContext


@dataclass(frozen=True)
class TransductiveDraw(Drawn):
    """The rows of a step.

    Attributes:
        seen: labelled rows.
        target: (B,) int64 rows of the unlabelled pool.
    """

    seen: SeenDraw
    target: Tensor


class TransductiveTrainer(Trainer):
    """Phases ``seen`` (warm-up) and ``transductive``.

    Args:
        conf: the procedure's options.
        context: what it works on; its data must hold an unlabelled pool.

    Raises:
        DataError: there is a single training row or a single unlabelled one, and a batch norm.
        TypeError: the model has no terms for unlabelled rows.
        ValueError: the data hold no unlabelled pool.
    """

    context: TrainingContext[ZeroShotTraining]

    def __init__(self, conf: TransductiveTrainerConf, context: TrainingContext[ZeroShotTraining]) -> None:
        super().__init__(conf, context)
        if not isinstance(context.model, TransductiveGenerator):
            raise TypeError(f"{type(context.model).__name__} has no terms for unlabelled rows")
        if context.data.unlabelled is None:
            raise ValueError("transductive training needs the unlabelled pool")
        self.conf = conf
        self.learner = context.model
        self.pool = context.data.unlabelled
        self.seen_step = SeenClassStep(context)
        require_normalisable(context.model, len(self.pool), "unlabelled", WITHOUT_NORM)
        self.target_sampler = EpochSampler(len(self.pool), context.streams["target_batches"])

    def phases(self) -> Sequence[Phase]:
        """Return the phases; one of no steps is left out."""
        phases = (
            Phase("seen", self.conf.warmup_steps, self.seen_step.of(self.conf.batch_size)),
            Phase("transductive", self.conf.steps, Step(self._draw, self._compute)),
        )
        return [phase for phase in phases if phase.steps]

    def warnings(self) -> list[str]:
        """Return that training ended before a step with unlabelled rows, as a length chosen on validation rows may."""
        if self.target_sampler.begun or not self.conf.steps:
            return []
        name, steps = self.conf.name, self.conf.warmup_steps
        return [ended_on_seen_classes(name, steps, "no unlabelled row was seen", "trainer.warmup_steps")]

    def _draw(self) -> TransductiveDraw:
        seen = self.seen_step.draw(self.conf.batch_size)
        return TransductiveDraw(seen, self.target_sampler.draw(self.conf.target_batch_size))

    def _compute(self, drawn: TransductiveDraw) -> StepReport:
        data = self.context.data
        x, labels = self.seen_step.take(drawn.seen)
        target = self.pool.take(drawn.target)
        self.learner.train()
        with self.context.runtime.autocast():
            terms = self.learner.loss_terms(x, labels, data.class_vectors, data.labelled_classes)
            on_target = self.learner.target_terms(target, data.class_vectors, data.unseen_classes)
            terms |= {f"target_{name}": self.conf.target_weight * term for name, term in on_target.items()}
        minimised = self.context.minimize_terms(terms, "autoencoder", "prior")
        return StepReport(minimised, len(x), {"x": x, "labels": labels, "target": target})

    def state_dict(self) -> dict[str, Any]:
        """Return both samplers' positions."""
        return {"seen": self.seen_step.sampler.state_dict(), "target": self.target_sampler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self.seen_step.sampler.load_state_dict(state["seen"])
        self.target_sampler.load_state_dict(state["target"])
