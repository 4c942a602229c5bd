"""Solves a closed-form model: one phase of one step."""

from __future__ import annotations

from collections.abc import Sequence

from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.models.base import ClosedForm
from zsl_runner.training.base import Phase, StepReport, Trainer, TrainingContext


class ClosedFormTrainer(Trainer):
    """Phase ``fit``: the model is solved on all training rows at once."""

    context: TrainingContext[ZeroShotTraining]

    def phases(self) -> Sequence[Phase]:
        """Return the one phase."""
        return [Phase("fit", 1, self._fit)]

    def _fit(self) -> StepReport:
        model, data = self.context.model, self.context.data
        if not isinstance(model, ClosedForm):
            raise TypeError(f"{type(model).__name__} has no closed form")
        return StepReport(model.fit(data), len(data.features))
