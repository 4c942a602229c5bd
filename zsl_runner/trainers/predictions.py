"""What the procedures share that learn to predict outputs from inputs: options, batches, steps, snapshots."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from zsl_runner.data.pairs.folds import Pair, PairTrainingSet
from zsl_runner.data.rows import EpochSampler
from zsl_runner.models.networks import evaluating
from zsl_runner.models.output_prediction import OutputPredictor
from zsl_runner.objectives.omission import omit_block
from zsl_runner.trainers.prediction_conf import PredictionTrainerConf
from zsl_runner.training.base import Drawn, Phase, Step, StepReport, Trainer, TrainingContext
from zsl_runner.training.epochs import EpochClock

SNAPSHOT_EPOCHS: Final = (1, 2, 5, 10, 20, 40, 80, 160, 320)
SNAPSHOT_ROWS: Final = 10


@dataclass(frozen=True)
class PredictionDraw(Drawn):
    """The batch of a step and the value of its schedule.

    Attributes:
        positions: (B,) int64, of the training pairs.
        schedule: () value of the trainer's own schedule.
    """

    positions: Tensor
    schedule: Tensor


class PredictionTrainer(Trainer):
    """One phase of gradient steps on batches of pairs, epoch by epoch.

    After some epochs it keeps predictions of the first training rows, always with the same random codes, for a figure.

    Args:
        conf: the procedure's options.
        context: what it works on; the model must be an `OutputPredictor`.

    Attributes:
        clock: counts steps by epochs.
        step: a step, in its two halves.
    """

    context: TrainingContext[PairTrainingSet]

    phase_name: str
    groups: tuple[str, ...]

    def __init__(self, conf: PredictionTrainerConf, context: TrainingContext[PairTrainingSet]) -> None:
        super().__init__(conf, context)
        if not isinstance(context.model, OutputPredictor):
            raise TypeError(f"{type(context.model).__name__} predicts no outputs")
        self.options = conf
        self.predictor = context.model
        self._pairs = context.data.pairs
        self._sampler = EpochSampler(len(self._pairs), context.streams["batches"])
        self._compiled = context.runtime.compile(self.terms)
        self.clock = EpochClock.of_batches(len(self._pairs), conf.batch_size)
        self._snapshots: dict[int, Tensor] = {}
        self.step = Step(self._draw, self._compute, self._finish)

    @abstractmethod
    def terms(self, pair: Pair, schedule: Tensor) -> dict[str, Tensor]:
        """Return the named scalar terms of the loss, already weighted.

        Args:
            pair: the batch.
            schedule: () what `schedule` returned for the step.
        """

    def schedule(self) -> float:
        """Return the value of the trainer's own schedule in the next step; 1 if there is none."""
        return 1.0

    def snapshot(self, pair: Pair) -> Tensor:
        """Return the predictions of some training rows that the figure of the training shows."""
        return self.predictor.mean_output(self.predictor.predict(self.predictor.condition(pair.x)))

    def phases(self) -> Sequence[Phase]:
        """Return the one phase."""
        steps, validate_every = self.clock.steps(self.options.epochs), self.clock.steps(self.options.evaluate_every)
        return [Phase(self.phase_name, steps, self.step, validate_every=validate_every)]

    def shown(self) -> dict[str, Tensor]:
        """Return the snapshots as ``epoch_<n>``, beside the inputs and outputs they belong to."""
        if not self._snapshots:
            return {}
        shown = self._shown()
        pictures = {f"epoch_{epoch}": values for epoch, values in self._snapshots.items()}
        return {"snapshot_x": shown.x, "snapshot_y": shown.y, **pictures}

    def _draw(self) -> PredictionDraw:
        if self.clock.between_epochs:
            for group in self.groups:
                self.context.optimisers.set_lr(group, self.options.optim.lr_after(self.clock.epoch))
        positions = self._sampler.draw(self.options.batch_size)
        return PredictionDraw(positions, torch.full((), self.schedule(), device=positions.device))

    def _compute(self, drawn: PredictionDraw) -> StepReport:
        x, y, valid = self._pairs.take(drawn.positions, self.context.streams["targets"])
        if self.options.omission:
            x = omission(x, self.options.omission, self.context.streams["omission"])
        self.predictor.train()
        with self.context.runtime.autocast():
            terms = self._compiled(Pair(x, y, valid), drawn.schedule)
        return StepReport(self.context.minimize_terms(terms, *self.groups), len(x), {"x": x, "y": y})

    def _finish(self) -> None:
        self.clock.tick()
        if self.clock.between_epochs and self.clock.epoch in SNAPSHOT_EPOCHS:
            with evaluating(self.predictor), torch.no_grad():
                self._snapshots[self.clock.epoch] = self.snapshot(self._shown())

    def _shown(self) -> Pair:
        count = min(SNAPSHOT_ROWS, len(self._pairs))
        return self._pairs.take(torch.arange(count, device=self._pairs.device))

    def state_dict(self) -> dict[str, Any]:
        """Return the sampler's position, the number of steps and the snapshots."""
        snapshots = {str(epoch): values for epoch, values in self._snapshots.items()}
        return {"sampler": self._sampler.state_dict(), "done": self.clock.done, "snapshots": snapshots}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self._sampler.load_state_dict(state["sampler"])
        self.clock.done = state["done"]
        self._snapshots = {int(epoch): values for epoch, values in state["snapshots"].items()}


def omission(x: Tensor, rate: float, generator: torch.Generator) -> Tensor:
    r"""Set a random square of each image to zero: one size for the batch, one place for each image.

    .. math:: s = \mathrm{round}(\min(H, W) \, u \, r), \qquad u \sim U(0, 1)

    Places are uniform among those where the square lies inside the image. Nothing waits for the device.

    Args:
        x: (B, C, H, W) images.
        rate: r, the largest side of a square as a share of the image's, 0 to 1.
        generator: on the device of ``x``.

    Returns:
        A new tensor of the shape of ``x``.

    Source: Sohn et al. 2015, section 4.2; sizes as in the released code, where r is 0.4.
    """
    count, _, height, width = x.shape
    drawn = torch.rand(1 + 2 * count, generator=generator, device=x.device)
    side = (min(height, width) * drawn[0] * rate).round()
    tops = (drawn[1 : count + 1] * (height - side + 1)).floor()
    lefts = (drawn[count + 1 :] * (width - side + 1)).floor()
    return omit_block(x, side, tops, lefts)
