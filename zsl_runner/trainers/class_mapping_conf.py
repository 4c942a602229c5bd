"""Options of what trains class maps: phases with their schedules, batches, and optimisers of two groups."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import TrainerConf
from zsl_runner.config.vocabulary import Capability, Provision


@dataclass
class PhaseConf:
    r"""Length and learning rates of a phase: at step t of T, lr * factor * warm-up * (1 - t/T)^power."""

    steps: int = option(0, "steps; 0 leaves the phase out", low=0)
    factor: float = option(1.0, "factor of the optimisers' learning rates in this phase", low=0.0, above=True)
    warmup: int = option(0, "first steps, over which the learning rates rise linearly", low=0)
    power: float = option(0.0, "power of the polynomial by which the learning rates fall; 0 keeps them", low=0.0)
    frozen_statistics: bool = option(
        False,
        "batch norm keeps the means and variances it has and scales by them; otherwise by those of the batch, and "
        "those of two views of different sizes are mixed in what it measures with",
        neutral=True,
    )

    def problems(self) -> Iterable[Problem]:
        """Yield a warm-up that is longer than the phase."""
        if self.warmup > self.steps:
            yield Problem("warmup", f"is longer than the phase of {self.steps} steps")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect on a phase that is left out."""
        if self.steps == 0:
            yield from idle("steps=0", "factor", "power", "frozen_statistics")

    def factor_at(self, step: int) -> float:
        """Return the factor of the learning rates at a step, the first is 0.

        >>> [PhaseConf(4, factor=0.5, power=1.0).factor_at(step) for step in range(4)]
        [0.5, 0.375, 0.25, 0.125]
        >>> [PhaseConf(4, warmup=2).factor_at(step) for step in range(4)]
        [0.5, 1.0, 1.0, 1.0]
        """
        rise = min(1.0, (step + 1) / self.warmup) if self.warmup else 1.0
        return float(self.factor * rise * (1 - step / self.steps) ** self.power)


@dataclass
class ClassMappingTrainerConf(TrainerConf):
    """Base of what trains class maps."""

    requires: ClassVar[frozenset[str]] = frozenset({Capability.CLASS_MAPS})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.TAGS})

    batch_size: int = option(32, "images of a step", low=1)
    restart_optimisers: bool = option(
        False,
        "optimisers begin anew with each phase, as those of a run do that begins with weights; otherwise Adam goes on "
        "with moments of gradients that are far smaller than those of the next phase, and its first steps are too long",
        neutral=True,
    )
    backbone: OptimizerConf = section(OptimizerConf, "optimiser of the backbone")
    heads: OptimizerConf = section(OptimizerConf, "optimiser of the heads and the correlation module")

    def optimisers(self) -> dict[str, OptimizerConf]:
        """Settings of the two groups."""
        return {"backbone": self.backbone, "heads": self.heads}

    def idle_with_one_phase(self, *phases: PhaseConf) -> Iterable[Idle]:
        """Yield what has no effect where no phase follows another."""
        if sum(phase.steps > 0 for phase in phases) < 2:
            yield from idle("a single phase", "restart_optimisers")
