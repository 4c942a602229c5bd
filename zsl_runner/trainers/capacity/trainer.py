"""Training with capacities (Dupont, NeurIPS 2018)."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor

from zsl_runner.data.images.folds import ImageTrainingSet
from zsl_runner.data.rows import EpochSampler
from zsl_runner.models.joint_code import CodeNoise, JointCodeModel, traversals
from zsl_runner.models.networks import evaluating
from zsl_runner.objectives.capacity import capacity, capacity_penalty
from zsl_runner.trainers.capacity.conf import CapacityTrainerConf
from zsl_runner.trainers.capacity.usage import CodeUsage
from zsl_runner.trainers.predictions import SNAPSHOT_EPOCHS
from zsl_runner.training.base import Drawn, Phase, Step, StepReport, Trainer, TrainingContext, detached, total
from zsl_runner.training.epochs import EpochClock

WATCH_STEPS: Final = 50
"""Steps between two looks at the usage of the discrete variables: a look waits for the device."""
SNAPSHOT_COLUMNS: Final = 10


@dataclass(frozen=True)
class CapacityDraw(Drawn):
    """The images of a step and the values of its schedules.

    Attributes:
        positions: (B,) int64, of the training images.
        schedules: (3,) float32 C_z and C_c in nats, temperature of the relaxed discrete variables.
        first: whether it is the first step of all, with which the running means start.
    """

    positions: Tensor
    schedules: Tensor
    first: bool


class CapacityTrainer(Trainer):
    r"""Minimises the reconstruction and the distances of the divergences from their capacities.

    .. math:: L = E_q[-\log p(x | z, c)] + \gamma_z |KL_z - C_z(t)| + \gamma_c |KL_c - C_c(t)|

    What is differentiated is L / (H W), as in the official code; what is reported is L, in nats an image.

    Args:
        conf: the procedure's options.
        context: what it works on; the model must be a `JointCodeModel`, the data images.

    Attributes:
        clock: counts steps by epochs; the schedules go by its steps.
        step: a step, in its two halves.
    """

    context: TrainingContext[ImageTrainingSet]

    def __init__(self, conf: CapacityTrainerConf, context: TrainingContext[ImageTrainingSet]) -> None:
        super().__init__(conf, context)
        if not isinstance(context.model, JointCodeModel):
            raise TypeError(f"{type(context.model).__name__} has no continuous and discrete code")
        self.conf = conf
        self.model = context.model
        self.images = context.data.images
        self._most = sum(map(math.log, self.model.categories))
        self._sampler = EpochSampler(len(self.images), context.streams["batches"])
        self._compiled = context.runtime.compile(self.terms)
        self._usage = CodeUsage(self.model.categories, self.images.device)
        self.clock = EpochClock.of_batches(len(self.images), conf.batch_size)
        self._history: list[Tensor] = []
        self._since = torch.zeros(self.model.continuous + 1, device=self.images.device)
        self._snapshots: dict[int, Tensor] = {}
        self.step = Step(self._draw, self._compute, self._finish)

    def phases(self) -> Sequence[Phase]:
        """Return the one phase."""
        steps, validate_every = self.clock.steps(self.conf.epochs), self.clock.steps(self.conf.evaluate_every)
        return [Phase("fit", steps, self.step, validate_every=validate_every)]

    def targets(self, step: int) -> tuple[float, float]:
        """Return C_z and C_c in nats at a step, the first is 1; variables that are not there have no capacity."""
        conf = self.conf
        return (
            capacity(step, conf.cz_min, conf.cz_max, conf.iters, math.inf if self.model.continuous else 0.0),
            capacity(step, conf.cc_min, conf.cc_max, conf.iters, self._most),
        )

    def temperature(self, step: int) -> float:
        """Return the temperature of the relaxed discrete variables at a step."""
        if self.conf.temperature_end is None:
            return self.model.temperature
        share = min(1.0, step / self.conf.temperature_iters)
        fallen = math.log(self.conf.temperature_end / self.model.temperature)
        return self.model.temperature * math.exp(share * fallen)

    def terms(self, x: Tensor, noise: CodeNoise, targets: Tensor, temperature: Tensor) -> dict[str, Tensor]:
        """Return what a step minimises and what it reports.

        Args:
            x: (B, C, H, W) images in 0..1.
            noise: the random numbers of their codes.
            targets: (2,) C_z and C_c.
            temperature: () of the relaxed discrete variables.

        Returns:
            ``loss`` and its parts ``reconstruction``, ``capacity_z``, ``capacity_c`` (or ``capacity``, if shared);
            ``kl_latents`` (d,) and ``kl_c``; ``logits`` of the discrete variables.
        """
        conf = self.conf
        posterior = self.model.posterior(x)
        logits = self.model.decode(posterior.sample(noise, temperature, self.model.hard))
        latents = posterior.continuous_kl()
        kl_z, kl_c = latents.sum(1), posterior.discrete_kl().sum(1)
        per_example = conf.capacity_per == "example"
        parts = {"reconstruction": self.model.reconstruction(x, logits).mean()}
        if conf.capacities == "shared":
            parts["capacity"] = capacity_penalty(kl_z + kl_c, targets.sum(), conf.gamma_z, per_example)
        else:
            parts["capacity_z"] = capacity_penalty(kl_z, targets[0], conf.gamma_z, per_example)
            parts["capacity_c"] = capacity_penalty(kl_c, targets[1], conf.gamma_c, per_example)
        return {"loss": total(parts), **parts, "kl_latents": latents.mean(0), "kl_c": kl_c.mean()} | {
            f"logits_{place}": values for place, values in enumerate(posterior.logits)
        }

    def shown(self) -> dict[str, Tensor]:
        """Return ``capacity_history``, every 50 steps, and ``epoch_<n>``, traversals after some epochs.

        The history is (rows, 6 + d): step, KL_z, C_z, KL_c, C_c, I(c;x) and the divergences of the continuous
        variables; all but the step in nats, divergences as means over the 50 steps. Traversals move one variable at a
        time, see `traversals`: (d + K, 10, C, H, W) grey values 0..255 in bytes.
        """
        history = {"capacity_history": torch.stack(self._history)} if self._history else {}
        return history | {f"epoch_{epoch}": sheet for epoch, sheet in self._snapshots.items()}

    def warnings(self) -> list[str]:
        """Return the alarms that are on."""
        return self._usage.alarms

    def _draw(self) -> CapacityDraw:
        step = self.clock.done + 1
        positions = self._sampler.draw(self.conf.batch_size)
        device = positions.device  # a number on the host would be divided by in another way, and round differently
        schedules = torch.tensor([*self.targets(step), self.temperature(step)], device=device)
        return CapacityDraw(positions, schedules, first=step == 1)

    def _compute(self, drawn: CapacityDraw) -> StepReport:
        x = self.images.take(drawn.positions)
        noise = self.model.draw_noise(len(x), self.context.streams)
        self.model.train()
        with self.context.runtime.autocast():
            found = self._compiled(x, noise, drawn.schedules[:2], drawn.schedules[2])
        pixels = x.shape[-2] * x.shape[-1]
        self.context.optimisers.minimize(found["loss"] / pixels, "model")
        logits = [found.pop(f"logits_{place}") for place in range(len(self.model.categories))]
        terms = detached(found)
        latents, kl_c = terms.pop("kl_latents"), terms.pop("kl_c")
        terms |= {"kl_z": latents.sum(), "kl_c": kl_c}
        self._since.add_(torch.cat([kl_c[None], latents]))
        self._usage.take(logits, kl_c, drawn.first)
        return StepReport(terms | self._usage.terms(), len(x), {"x": x})

    def _finish(self) -> None:
        self.clock.tick()
        step = self.clock.done
        if step % WATCH_STEPS == 0:
            targets = self.targets(step)
            self._usage.look(step, targets[1])
            self._note(step, targets, self._usage.terms().get("mutual_information"))
        if self.clock.between_epochs and self.clock.epoch in SNAPSHOT_EPOCHS:
            self._snapshots[self.clock.epoch] = self._sheet(self.images.device)

    @torch.no_grad()
    def _sheet(self, device: torch.device) -> Tensor:
        codes = traversals(self.model.continuous, self.model.categories, SNAPSHOT_COLUMNS, device)
        with evaluating(self.model):
            shown = self.model.decode(codes.flatten(0, 1)).sigmoid()
        return (255 * shown).round().to(torch.uint8).reshape(*codes.shape[:2], *shown.shape[1:])

    def _note(self, step: int, targets: tuple[float, float], information: Tensor | None) -> None:
        kl_c, *latents = (self._since / WATCH_STEPS).tolist()
        told = 0.0 if information is None else float(information)
        self._history.append(torch.tensor([step, sum(latents), targets[0], kl_c, targets[1], told, *latents]))
        self._since.zero_()

    def state_dict(self) -> dict[str, Any]:
        """Return the sampler's position, the schedule's step, the usage of the code and the history."""
        return {
            "sampler": self._sampler.state_dict(),
            "done": self.clock.done,
            "usage": self._usage.state_dict(),
            "history": list(self._history),
            "since": self._since,
            "snapshots": {str(epoch): sheet for epoch, sheet in self._snapshots.items()},
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self._sampler.load_state_dict(state["sampler"])
        self.clock.done = state["done"]
        self._usage.load_state_dict(state["usage"])
        self._history = [line.cpu() for line in state["history"]]  # a checkpoint is read onto the run's device
        self._since.copy_(state["since"])
        self._snapshots = {int(epoch): sheet for epoch, sheet in state["snapshots"].items()}
