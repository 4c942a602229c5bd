"""Training on seen classes alone, with an optional second phase that spends exactly an EM phase's budget."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.trainers.seen_classes import SeenClassStep, SeenDraw
from zsl_runner.trainers.seen_only.conf import MatchedBudgetConf, SeenOnlyTrainerConf
from zsl_runner.training.base import Phase, StepReport, Trainer, TrainingContext


def matched_budget(conf: MatchedBudgetConf) -> tuple[int, int]:
    r"""Return (gradient steps, real rows in a step) with the expected budget of an EM phase.

    An iteration of EM takes $1 + p$ gradient steps and sees $pB + (1-g)B$ real rows on average, so its budget is spent
    in $I(1+p)$ steps of $(p + 1 - g)B / (1+p)$ rows, both rounded; a batch has at least two rows, for batch
    normalisation.

    >>> matched_budget(MatchedBudgetConf(em_iterations=1000))
    (1500, 26)
    """
    steps = round(conf.em_iterations * (1 + conf.real_step_prob))
    rows = (conf.real_step_prob + 1 - conf.gen_ratio) * conf.em_batch_size / (1 + conf.real_step_prob)
    return steps, max(2, round(rows))


class SeenOnlyTrainer(Trainer):
    """Phases ``seen`` and, if a budget is matched, ``continued``.

    Args:
        conf: the procedure's options.
        context: what it works on.
    """

    context: TrainingContext[ZeroShotTraining]

    def __init__(self, conf: SeenOnlyTrainerConf, context: TrainingContext[ZeroShotTraining]) -> None:
        super().__init__(conf, context)
        self.conf = conf
        self.seen_step = SeenClassStep(context)

    def phases(self) -> Sequence[Phase]:
        """Return the phases; one of no steps is left out."""
        steps, rows = matched_budget(self.conf.matched)
        phases = (
            Phase("seen", self.conf.steps, self.seen_step.of(self.conf.batch_size)),
            Phase("continued", steps, self.seen_step.of(rows, self.conf.matched.train_prior, self._continue)),
        )
        return [phase for phase in phases if phase.steps]

    def _continue(self, drawn: SeenDraw) -> StepReport:
        if self.conf.prior_dropout is not None:
            self.seen_step.model.set_prior_dropout(self.conf.prior_dropout)
        return self.seen_step.compute(drawn)

    def state_dict(self) -> dict[str, Any]:
        """Return the sampler's position."""
        return {"sampler": self.seen_step.sampler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self.seen_step.sampler.load_state_dict(state["sampler"])
