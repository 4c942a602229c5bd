"""Steps of the regressor from features to class vectors, and of the critic that judges its output."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.objectives.perturbation import perturbed
from zsl_runner.trainers.feature_gan.critics import CriticTrainer, gradient_buffers, means_of
from zsl_runner.trainers.feature_gan.draws import Drawing, Rows
from zsl_runner.trainers.feature_gan.losses import REGRESSION_LOSSES
from zsl_runner.training.base import Drawn, TrainingContext


@dataclass(frozen=True)
class RegressorRows(Drawn):
    """The rows of a block.

    Attributes:
        regressor: those of the regressor's steps.
        attribute_critic: those of the attribute critic's, which then judges; None for none.
    """

    regressor: Rows
    attribute_critic: Rows | None


class RegressorStep:
    """Minimises the regression loss on seen rows and, if given rows to align, the attribute critic's judgement.

    Args:
        context: optimisers and runtime of the run.
        model: the networks; there must be a regressor.
    """

    def __init__(self, context: TrainingContext[ZeroShotTraining], model: FeatureGAN) -> None:
        assert model.regressor is not None
        self.regressor = model.regressor
        self.critic = model.attribute_critic
        self.weights = model.conf.weights
        self.loss = REGRESSION_LOSSES[model.conf.regression_loss]
        self._context = context

    def __call__(self, x: Tensor, vectors: Tensor, unlabelled: Tensor | None = None) -> Tensor:
        """Take one step and return the regression loss on the seen rows, detached.

        Args:
            x: (B, D) seen features.
            vectors: (B, A) their class vectors.
            unlabelled: (B, D) unseen features; the attribute critic then judges what both give, by the sum of
                its mean scores.
        """
        with self._context.runtime.autocast():
            joined = x if unlabelled is None else torch.cat([x, unlabelled])
            regressed = self.regressor(joined)
            regression = self.loss(regressed[: len(x)], vectors)
            loss = self.weights.regression * regression
            if unlabelled is not None and self.critic is not None:
                scores = self.critic(regressed, fixed=True)
                judged = scores.view(2, -1).mean(1).sum()
                loss = loss - self.weights.attribute_generator * judged
        self._context.optimisers.minimize(loss, "regressor")
        return regression.detach()


class RegressorBlock:
    """Level 1 of Bi-VAEGAN: some steps of the attribute critic, then as many of the regressor.

    Args:
        context: optimisers and runtime of the run.
        model: the networks; there must be a regressor.
        drawing: where batches come from.
        steps: steps of each.
    """

    def __init__(
        self, context: TrainingContext[ZeroShotTraining], model: FeatureGAN, drawing: Drawing, steps: int
    ) -> None:
        self.model = model
        self.drawing = drawing
        self.steps = steps
        self._context = context
        self._step = RegressorStep(context, model)
        conf = model.conf
        radii = {"unit": 1.0, "features": model.radius, "none": None}
        self._critic = (
            CriticTrainer(
                "attribute_critic",
                model.attribute_critic,
                context.optimisers,
                # The two sides are judged by their sum, not their mean: twice the mean over the joined batch.
                weight=2 * conf.weights.attribute_critic,
                penalty_weight=conf.penalty.attribute_weight / 2,
                radius=radii[conf.penalty.attribute_projection],
                dtype=context.runtime.product_dtype,
                gradients=gradient_buffers([model.attribute_critic])[0],
            )
            if model.attribute_critic is not None
            else None
        )

    def draw(self, transductive: bool) -> RegressorRows:
        """Return the rows of a block; without unlabelled ones only the regressor learns."""
        aligned = transductive and self._critic is not None
        return RegressorRows(
            regressor=self.drawing.rows(self.steps, "regressor", aligned),
            attribute_critic=self.drawing.rows(self.steps, "attribute_critic", True) if aligned else None,
        )

    def __call__(self, rows: RegressorRows) -> dict[str, Tensor]:
        """Take the steps of a block and return their mean terms."""
        terms = {} if rows.attribute_critic is None else self._align(rows.attribute_critic)
        losses = []
        draws = self.drawing.seen(rows.regressor, "regressor")
        unseen = None if rows.regressor.unlabelled is None else self.drawing.unseen(rows.regressor, "regressor")
        pools = [None] * self.steps if unseen is None else [batch.rows for batch in unseen.batches(self.steps)]
        for batch, pool in zip(draws.batches(self.steps), pools, strict=True):
            losses.append(self._step(batch.real, batch.vectors, pool))
        return terms | {"regression": torch.stack(losses).mean()}

    def _align(self, rows: Rows) -> dict[str, Tensor]:
        """Train the attribute critic; the regressor stands still, so all rows of the block pass through it at once."""
        assert self._critic is not None
        assert self.model.regressor is not None
        seen = self.drawing.seen(rows, "attribute_critic")
        unseen = self.drawing.unseen(rows, "attribute_critic")
        with torch.no_grad(), self._context.runtime.autocast():
            regressed = self.model.regressor(torch.cat([seen.real, unseen.real]))
        parts = zip(
            seen.batches(self.steps),
            unseen.batches(self.steps),
            regressed[: len(seen.real)].chunk(self.steps),
            regressed[len(seen.real) :].chunk(self.steps),
            strict=True,
        )
        terms = []
        for seen_part, unseen_part, seen_fake, unseen_fake in parts:
            real = self._perturbed(torch.cat([seen_part.vectors, unseen_part.vectors]))
            mix = torch.cat([seen_part.mix, unseen_part.mix])
            terms.append(self._critic.step(real, torch.cat([seen_fake, unseen_fake]), mix))
        return means_of("attribute_critic", terms)

    def _perturbed(self, vectors: Tensor) -> Tensor:
        strength = self.model.conf.perturbation.critic
        if not strength:
            return vectors
        return perturbed(vectors, self.drawing.uniform_like(vectors, "attribute_perturbation"), strength)
