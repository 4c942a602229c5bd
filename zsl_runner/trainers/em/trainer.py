"""SGAL's training: pretrain on seen classes, then alternate generating unseen rows and learning from all rows.

E-step: draw unseen classes, sample their latents from the prior network, decode: constants for the gradient.
M-step: one gradient step of the seen-class bound on real and generated rows together (Yu and Lee, NeurIPS 2019).
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zsl_runner.data.rows import likely_positions
from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.models.base import ConditionalGenerator, GenerationOptions
from zsl_runner.models.returned import of_shape
from zsl_runner.trainers.em.conf import EMTrainerConf
from zsl_runner.trainers.em.mixture import batch_composition, class_balanced_weights
from zsl_runner.trainers.seen_classes import SeenClassStep, SeenDraw, ended_on_seen_classes
from zsl_runner.training.base import (
    Drawn,
    Phase,
    Step,
    StepReport,
    Trainer,
    TrainingContext,
    deciding_value,
)


@dataclass(frozen=True)
class EMDraw(Drawn):
    """What is decided of an iteration.

    Attributes:
        alone: rows of a step on real rows alone; None leaves it out.
        real: rows of the mixed step.
        draws: n_g, draws of unseen classes to generate rows of.
        refresh: whether Theta_old, the copy that generates, is renewed first.
    """

    alone: SeenDraw | None
    real: SeenDraw
    draws: int
    refresh: bool


class EMTrainer(Trainer):
    """Phases ``seen`` (pretraining) and ``em``.

    Args:
        conf: the procedure's options.
        context: what it works on.
    """

    context: TrainingContext[ZeroShotTraining]

    def __init__(self, conf: EMTrainerConf, context: TrainingContext[ZeroShotTraining]) -> None:
        super().__init__(conf, context)
        self.conf = conf
        self.em = conf.em
        self.seen_step = SeenClassStep(context)
        self.model = self.seen_step.model
        self.generation = GenerationOptions(
            copies=self.em.copies,
            decoder_dropout=self.em.decoder_dropout,
            prior_dropout=self.em.prior_dropout,
            noise=self.em.gen_noise,
        )
        data = context.data
        self.unseen_probability = data.unseen_prior
        if self.unseen_probability is None:
            self.unseen_probability = torch.full(
                (len(data.unseen_classes),), 1 / len(data.unseen_classes), device=data.class_vectors.device
            )
        self.mixed_classes = torch.unique(torch.cat([data.labelled_classes, data.unseen_classes]))
        self.class_counts = torch.bincount(data.labels, minlength=len(data.class_vectors)).double()
        self.frozen: ConditionalGenerator | None = copy.deepcopy(self.model) if self.em.refresh_every > 1 else None
        self.iteration = 0
        self.best_metric = float("-inf")
        self.best_weights: dict[str, Tensor] = {}

    def phases(self) -> Sequence[Phase]:
        """Return the pretraining phase and the EM phase; a phase of no steps is left out."""
        rollback = self.em.rollback_every
        seen = Phase(
            "seen",
            self.conf.pretrain_steps,
            self.seen_step.of(self.conf.batch_size),
            on_validation=self._remember if rollback else None,
        )
        em = Phase(
            "em",
            self.em.iterations,
            Step(self._draw, self._compute, self._finish),
            begin=self._begin,
            on_validation=self._keep_or_undo if rollback else None,
            validate_every=rollback,
        )
        return [phase for phase in (seen, em) if phase.steps]

    def _begin(self) -> None:
        if self.best_metric > float("-inf"):
            self.best_weights = self._weights()

    def _draw(self) -> EMDraw:
        schedule = self.context.streams.on_host("schedule")
        coin, jitter = torch.rand(2, generator=schedule).tolist()
        alone = None
        if coin < self.em.real_step_prob:
            alone = self.seen_step.draw(self.conf.batch_size, self.em.train_prior)
        ratio = self.em.gen_ratio + self.em.gen_ratio_jitter * (2 * jitter - 1)
        real_rows, draws = batch_composition(self.conf.batch_size, ratio)
        return EMDraw(
            alone=alone,
            real=self.seen_step.draw(real_rows, self.em.train_prior),
            draws=draws,
            refresh=self.frozen is not None and self.iteration % self.em.refresh_every == 0,
        )

    def _classes(self, draws: int) -> Tensor:
        """Return (draws,) global ids of unseen classes."""
        assert self.unseen_probability is not None
        drawn = likely_positions(self.unseen_probability, draws, self.context.streams["classes"])
        classes: Tensor = self.context.data.unseen_classes[drawn]
        return classes

    def _compute(self, drawn: EMDraw) -> StepReport:
        if self.em.train_prior_dropout is not None:
            for model in (self.model, self.frozen):
                if model is not None:
                    model.set_prior_dropout(self.em.train_prior_dropout)
        alone = 0 if drawn.alone is None else self.seen_step.compute(drawn.alone).real_rows
        if drawn.refresh:
            self._refresh()
        x, labels = self.seen_step.take(drawn.real)
        real_rows, weights, classes = len(x), None, None
        if drawn.draws:
            generated, generated_labels = self._expectation(self._classes(drawn.draws))
            x, labels = torch.cat([x, generated]), torch.cat([labels, generated_labels])
            weights, classes = self._weights_of_rows(labels, real_rows, drawn.draws), self.mixed_classes
        report = self.seen_step.minimize(
            x,
            labels,
            real_rows,
            weights,
            drawn.real.train_prior,
            classes,
            keep_statistics=bool(drawn.draws) and self.em.norm_statistics == "real",
        )
        report.real_rows += alone
        return report

    def _finish(self) -> None:
        self.iteration += 1

    def _refresh(self) -> None:
        assert self.frozen is not None
        self.frozen.load_state_dict(self.model.state_dict())

    def _expectation(self, classes: Tensor) -> tuple[Tensor, Tensor]:
        """E-step: return (copies * n, D) generated features of classes (n,) and their labels."""
        generator = self.model if self.frozen is None else self.frozen
        vectors = self.context.data.class_vectors[classes]
        labels = classes.repeat(self.em.copies)
        made = generator.synthesize(vectors, self.context.streams, self.generation)
        return of_shape(made, generator, "synthesize", len(labels), self.context.data.features.width), labels

    def _weights_of_rows(self, labels: Tensor, real_rows: int, draws: int) -> Tensor | None:
        if self.em.loss_weighting == "row":
            return None
        assert self.unseen_probability is not None
        probability = torch.zeros_like(self.class_counts)
        probability[self.context.data.unseen_classes] = self.unseen_probability.double()
        return class_balanced_weights(labels, real_rows, self.class_counts, probability, draws, self.em.copies)

    def _weights(self) -> dict[str, Tensor]:
        return {name: value.detach().clone() for name, value in self.model.state_dict().items()}

    def _remember(self, metrics: Mapping[str, float]) -> bool:
        """Note how good the pretrained weights are; the last note before the EM phase is the one that counts."""
        self.best_metric = self._deciding(metrics)
        return False

    def _keep_or_undo(self, metrics: Mapping[str, float]) -> bool:
        """Keep better weights, undo worse ones; the optimiser's moments stay, as in the released code."""
        metric = self._deciding(metrics)
        if metric > self.best_metric:
            self.best_metric = metric
            self.best_weights = self._weights()
            return False
        self.model.load_state_dict(self.best_weights)
        if self.frozen is not None:  # the copy may be of a step that is undone
            self._refresh()
        return True

    def _deciding(self, metrics: Mapping[str, float]) -> float:
        """Return the metric that says which weights are better; one that the evaluator lacks is refused."""
        return deciding_value("trainer.em.rollback_metric", self.em.rollback_metric, metrics)

    def warnings(self) -> list[str]:
        """Return that training ended before the first EM iteration, as a length chosen on validation rows may."""
        if self.iteration or not self.em.iterations:
            return []
        name, steps = self.conf.name, self.conf.pretrain_steps
        return [ended_on_seen_classes(name, steps, "no EM iteration was made", "trainer.pretrain_steps")]

    def state_dict(self) -> dict[str, Any]:
        """Return sampler, iteration, Theta_old and the weights of the best validation."""
        return {
            "sampler": self.seen_step.sampler.state_dict(),
            "iteration": self.iteration,
            "frozen": self.frozen.state_dict() if self.frozen is not None else {},
            "best_metric": self.best_metric,
            "best_weights": self.best_weights,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self.seen_step.sampler.load_state_dict(state["sampler"])
        self.iteration = state["iteration"]
        if self.frozen is not None:
            self.frozen.load_state_dict(state["frozen"])
        self.best_metric = state["best_metric"]
        self.best_weights = state["best_weights"]
