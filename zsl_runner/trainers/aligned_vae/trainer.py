"""Training of CADA-VAE (Schönfeld et al., CVPR 2019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.models.gaussian_prior_vae import GaussianPriorVAE
from zsl_runner.objectives.alignment import risen
from zsl_runner.trainers.aligned_vae.conf import RISING, AlignedVAETrainerConf, weight_of
from zsl_runner.trainers.seen_classes import SeenClassStep, SeenDraw
from zsl_runner.training.base import Drawn, Phase, Step, StepReport, Trainer, TrainingContext, ended_early
from zsl_runner.training.epochs import EpochClock


@dataclass(frozen=True)
class AlignedDraw(Drawn):
    """The rows of a step, and how far its terms have risen.

    Attributes:
        rows: labelled rows.
        factors: (3,) float32 between 0 and 1, in the order of `RISING`.
    """

    rows: SeenDraw
    factors: Tensor


class AlignedVAETrainer(Trainer):
    """One phase, ``fit``: gradient steps on the model's loss, in which the terms of `RISING` rise.

    Args:
        conf: the procedure's options.
        context: what it works on; the model must be a `GaussianPriorVAE`.

    Attributes:
        clock: counts steps by epochs; terms rise at the beginning of each.

    Raises:
        TypeError: another model.
    """

    context: TrainingContext[ZeroShotTraining]

    def __init__(self, conf: AlignedVAETrainerConf, context: TrainingContext[ZeroShotTraining]) -> None:
        super().__init__(conf, context)
        if not isinstance(context.model, GaussianPriorVAE):
            raise TypeError(f"{type(context.model).__name__} has no codes of features and of class vectors")
        self.conf = conf
        self.learner = context.model
        self.seen_step = SeenClassStep(context)
        self.clock = EpochClock.of_batches(len(context.data.features), conf.batch_size)

    def phases(self) -> Sequence[Phase]:
        """Return the one phase."""
        steps, validate_every = self.clock.steps(self.conf.epochs), self.clock.steps(self.conf.evaluate_every)
        step = Step(self._draw, self._compute, self.clock.tick)
        return [Phase("fit", steps, step, validate_every=validate_every)]

    def factors(self, epoch: int) -> dict[str, float]:
        """Return how far each term has risen in an epoch, from 0 to 1; the first epoch is 0."""
        rises = {term: getattr(self.conf, term) for term in RISING}
        return {term: risen(epoch / self.conf.epochs, rise.begin, rise.end) for term, rise in rises.items()}

    def warnings(self) -> list[str]:
        """Return that training ended before terms took part or had risen, as a length chosen on validation rows may.

        Such a length is in steps, and with more rows an epoch has more of them in the final stage.
        """
        last = max(0, self.clock.done - 1) // self.clock.steps_in_epoch
        factors, at_the_end = self.factors(last), self.factors(self.conf.epochs - 1)
        terms = [term for term in RISING if getattr(self.learner.conf, weight_of(term))]
        told = {
            "had no part in the loss": [term for term in terms if not factors[term]],
            "had not risen as far as in the last epoch": [
                term for term in terms if 0 < factors[term] < at_the_end[term]
            ],
        }
        within = f"trainer {self.conf.name}: training ended in epoch {last + 1} of {self.conf.epochs}"
        return [
            ended_early(within, f"{' and '.join(missed)} {what}", "trainer.epochs")
            for what, missed in told.items()
            if missed
        ]

    def _draw(self) -> AlignedDraw:
        rows = self.seen_step.draw(self.conf.batch_size)
        factors = self.factors(self.clock.epoch)
        return AlignedDraw(rows, torch.tensor([factors[term] for term in RISING], device=rows.positions.device))

    def _compute(self, drawn: AlignedDraw) -> StepReport:
        x, labels = self.seen_step.take(drawn.rows)
        factors = dict(zip(RISING, drawn.factors.unbind(), strict=True))
        return self.seen_step.minimize(x, labels, len(x), factors=factors)

    def state_dict(self) -> dict[str, Any]:
        """Return the sampler's position and the number of steps."""
        return {"sampler": self.seen_step.sampler.state_dict(), "done": self.clock.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self.seen_step.sampler.load_state_dict(state["sampler"])
        self.clock.done = state["done"]
