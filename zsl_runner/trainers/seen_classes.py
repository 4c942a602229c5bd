"""One gradient step on labelled rows, shared by all procedures that fit a conditional generator.

They are of seen classes, and in the few-shot setting a few of unseen ones.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from torch import Tensor

from zsl_runner.data.rows import EpochSampler
from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.models.base import ConditionalGenerator
from zsl_runner.models.networks import freeze_statistics, require_normalisable
from zsl_runner.training.base import Drawn, Step, StepReport, TrainingContext, ended_early

WITHOUT_NORM: Final = "batch_norm=false for each network of the model"
"""What a model with a single row to train on can do."""


@dataclass(frozen=True)
class SeenDraw(Drawn):
    """The rows of a step.

    Attributes:
        positions: (B,) int64 rows of the training set.
        train_prior: whether the prior network learns too.
    """

    positions: Tensor
    train_prior: bool = True


class SeenClassStep:
    """Draws real rows and minimises the model's loss on them.

    Args:
        context: model, data, optimisers and streams of the run; the model must be a `ConditionalGenerator`.

    Raises:
        DataError: there is a single training row, and a batch norm.
        TypeError: the model has no loss terms.
    """

    def __init__(self, context: TrainingContext[ZeroShotTraining]) -> None:
        if not isinstance(context.model, ConditionalGenerator):
            raise TypeError(f"{type(context.model).__name__} is not a conditional generator")
        require_normalisable(context.model, len(context.data.features), "training", WITHOUT_NORM)
        self.context = context
        self.model = context.model
        self.sampler = EpochSampler(len(context.data.features), context.streams["batches"])
        self._parts = list(self.model.modules())
        self._loss_terms = context.runtime.compile(context.model.loss_terms)

    def draw(self, size: int, train_prior: bool = True) -> SeenDraw:
        """Return the next ``size`` rows, or all if there are fewer."""
        return SeenDraw(self.sampler.draw(size), train_prior)

    def take(self, drawn: SeenDraw) -> tuple[Tensor, Tensor]:
        """Return the (B, D) scaled features and the (B,) labels of the rows drawn."""
        return self.context.data.features.take(drawn.positions), self.context.data.labels[drawn.positions]

    def compute(self, drawn: SeenDraw) -> StepReport:
        """Take one step on the rows drawn."""
        x, labels = self.take(drawn)
        return self.minimize(x, labels, len(x), train_prior=drawn.train_prior)

    def minimize(
        self,
        x: Tensor,
        labels: Tensor,
        real_rows: int,
        weights: Tensor | None = None,
        train_prior: bool = True,
        classes: Tensor | None = None,
        keep_statistics: bool = False,
        factors: Mapping[str, Tensor] | None = None,
    ) -> StepReport:
        """Take one step on the sum of the loss terms.

        Args:
            x: (B, D) features.
            labels: (B,) global class ids.
            real_rows: how many of the rows are real.
            weights: (B,) weight of each row, mean 1; None weights all rows alike.
            train_prior: whether the prior network learns too; if not it is in evaluation mode.
            classes: (L,) global ids, ascending, of the classes that rows of such a batch may be of; None: of those with
                labelled rows.
            keep_statistics: whether batch norm scales by its running statistics and leaves them as they are.
            factors: () further factors of terms, by name; other terms have 1.
        """
        data = self.context.data
        if not all(part.training for part in self._parts):  # setting the mode of every part takes long beside asking
            self.model.train()
        if not train_prior:
            self.model.fix_prior()
        if keep_statistics:
            freeze_statistics(self.model)
        with self.context.runtime.autocast():
            with_rows = data.labelled_classes if classes is None else classes
            terms = self._loss_terms(x, labels, data.class_vectors, with_rows, weights)
        if factors:
            terms = {name: term * factors[name] if name in factors else term for name, term in terms.items()}
        groups = ("autoencoder", "prior") if train_prior else ("autoencoder",)
        return StepReport(self.context.minimize_terms(terms, *groups), real_rows, {"x": x, "labels": labels})

    def __call__(self, size: int, train_prior: bool = True) -> StepReport:
        """Draw ``size`` real rows and take one step on them."""
        return self.compute(self.draw(size, train_prior))

    def of(
        self, size: int, train_prior: bool = True, compute: Callable[[SeenDraw], StepReport] | None = None
    ) -> Step[SeenDraw]:
        """Return the step on ``size`` real rows in two halves, with another second half if one is given."""
        return Step(lambda: self.draw(size, train_prior), compute or self.compute)


def ended_on_seen_classes(trainer: str, steps: int, missed: str, key: str) -> str:
    """Return the warning that training ended before more than real rows of seen classes took part.

    Args:
        trainer: its name.
        steps: steps on seen classes alone, at the start.
        missed: what was not done.
        key: the option that says how many steps these are.
    """
    return ended_early(f"trainer {trainer}: training ended within the {steps} steps on seen classes alone", missed, key)
