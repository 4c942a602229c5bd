"""A block of critic steps between two generator steps.

Encoder and generator do not move inside a block and the two critics know nothing of each other, so all fakes of a block
are generated in one pass. Only where the feedback loop, or the condition of an unlabelled row, comes from a regressor
that itself learns inside the block does each batch take its turn.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.objectives.critic import CriticParameters, CriticTerms
from zsl_runner.objectives.penalty_weight import adapted_penalty_weight
from zsl_runner.trainers.feature_gan.critics import CriticTrainer, gradient_buffers, means_of
from zsl_runner.trainers.feature_gan.draws import Draws
from zsl_runner.trainers.feature_gan.regression import RegressorStep
from zsl_runner.training.base import TrainingContext


@dataclass(frozen=True)
class BlockReport:
    """What a block did.

    Attributes:
        terms: means over the block, by name.
        seen: the last batch of the seen side.
        unseen: the last batch of the unseen side, if there was any.
    """

    terms: dict[str, Tensor]
    seen: Draws
    unseen: Draws | None


class CriticBlock:
    """Trains the critics of features, and with regressor=joint the regressor beside them.

    Args:
        context: optimisers and runtime of the run.
        model: the networks.
        steps: critic steps in a block.
    """

    def __init__(self, context: TrainingContext[ZeroShotTraining], model: FeatureGAN, steps: int) -> None:
        self.model = model
        self.steps = steps
        self._runtime = context.runtime
        self._regressor = RegressorStep(context, model) if model.conf.regressor == "joint" else None
        weights, others = model.conf.weights, [] if model.unseen_critic is None else [model.unseen_critic]
        own, *rest = gradient_buffers([model.critic, *others])
        self.seen = self._trainer(context, "critic", weights.critic, own)
        self.unseen = self._trainer(context, "unseen_critic", weights.unseen_critic, rest[0]) if rest else None

    def _trainer(
        self, context: TrainingContext[ZeroShotTraining], name: str, weight: float, gradients: CriticParameters
    ) -> CriticTrainer:
        conf = self.model.conf
        return CriticTrainer(
            name,
            getattr(self.model, name),
            context.optimisers,
            weight=weight,
            penalty_weight=conf.penalty.weight,
            radius=self.model.radius if conf.output == "projection" else None,
            dtype=context.runtime.product_dtype,
            gradients=gradients,
        )

    def __call__(self, seen: Draws, unseen: Draws | None, loop: float | None) -> BlockReport:
        """Take the steps of a block.

        Args:
            seen: as many batches as there are steps.
            unseen: as many batches with real rows, to train the unseen critic too.
            loop: strength of the feedback loop; None generates in one pass.
        """
        conditioned = unseen is not None and self.model.conf.unseen_critic == "pseudo_conditional"
        rounds = 1 if self._regressor is None or not (conditioned or loop is not None) else self.steps
        batches = self.steps // rounds
        unseens = [None] * rounds if unseen is None else list(unseen.batches(rounds))
        seen_terms: list[CriticTerms] = []
        unseen_terms: list[CriticTerms] = []
        regression: list[Tensor] = []
        for part, unseen_part in zip(seen.batches(rounds), unseens, strict=True):
            if self._regressor is not None:
                regression += [self._regressor(batch.real, batch.vectors) for batch in part.batches(batches)]
            fake, unseen_fake = self._generate(part, unseen_part, loop, batches)
            seen_terms += [
                self.seen.step(batch.real, generated, batch.mix, batch.vectors)
                for batch, generated in zip(part.batches(batches), fake.chunk(batches), strict=True)
            ]
            if unseen_part is not None:
                unseen_terms += [
                    self._unseen_step(batch, generated)
                    for batch, generated in zip(unseen_part.batches(batches), unseen_fake.chunk(batches), strict=True)
                ]
        terms = self._summary("critic", self.seen, seen_terms)
        if self.unseen is not None and unseen_terms:
            terms |= self._summary("unseen_critic", self.unseen, unseen_terms)
        if regression:
            terms["regression"] = torch.stack(regression).mean()
        last_unseen = None if unseen is None else list(unseen.batches(self.steps))[-1]
        return BlockReport(terms, list(seen.batches(self.steps))[-1], last_unseen)

    @torch.no_grad()
    def _generate(self, seen: Draws, unseen: Draws | None, loop: float | None, batches: int) -> tuple[Tensor, Tensor]:
        """Return the fakes of both sides; none for a side that is not there."""
        model = self.model
        with self._runtime.autocast():
            noise = seen.noise
            if model.conf.encoded_noise:
                noise = model.encode(seen.real, seen.vectors, seen.noise, batches)[0]
            if unseen is None:
                return model.generate(noise, seen.vectors, loop), noise[:0]
            joined = torch.cat([noise, unseen.noise]), torch.cat([seen.vectors, unseen.vectors])
            fake, unseen_fake = torch.split(model.generate(*joined, loop), [len(noise), len(unseen.noise)])
        return fake, unseen_fake

    def _unseen_step(self, batch: Draws, generated: Tensor) -> CriticTerms:
        assert self.unseen is not None
        if self.model.conf.unseen_critic == "unconditional":
            return self.unseen.step(batch.real, generated, batch.mix)
        assert self.model.regressor is not None
        with torch.no_grad(), self._runtime.autocast():
            pseudo = self.model.regressor(batch.real)
        return self.unseen.step(batch.real, generated, batch.mix, pseudo, batch.vectors)

    def _summary(self, name: str, trainer: CriticTrainer, steps: list[CriticTerms]) -> dict[str, Tensor]:
        """Return the block's means, after the penalty weight has been adapted to its mean penalty."""
        means = means_of(name, steps)
        if self.model.conf.penalty.adaptive:
            adapted = adapted_penalty_weight(trainer.penalty_weight, means[f"penalty/{name}"])
            trainer.penalty_weight.copy_(adapted)
        return means | {f"penalty_weight/{name}": trainer.penalty_weight.clone()}

    def state_dict(self) -> dict[str, Tensor]:
        """Return the penalty weights."""
        trainers = {"critic": self.seen, "unseen_critic": self.unseen}
        return {name: one.penalty_weight.clone() for name, one in trainers.items() if one is not None}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Take up the state that `state_dict` returned."""
        self.seen.penalty_weight.copy_(state["critic"])
        if self.unseen is not None:
            self.unseen.penalty_weight.copy_(state["unseen_critic"])
