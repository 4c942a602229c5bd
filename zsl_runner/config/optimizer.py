"""Options of an optimiser, of which a trainer has one for each group of parameters. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle


@dataclass
class OptimizerConf:
    """A first-order optimiser of one named parameter group."""

    algorithm: str = option("adam", "update rule", choices=("adam", "adamw", "sgd"))
    lr: float = option(1e-3, "learning rate", low=0.0)
    betas: list[float] = option([0.9, 0.999], "Adam's moment decay rates", low=0.0, high=1.0, below=True)
    eps: float = option(1e-8, "Adam's denominator offset", low=0.0, above=True)
    amsgrad: bool = option(
        False, "Adam divides by the largest second moment so far (Reddi, Kale and Kumar, ICLR 2018)", neutral=True
    )
    momentum: float = option(0.0, "momentum of SGD", low=0.0, high=1.0, below=True)
    weight_decay: float = option(0.0, "L2 penalty (adam, sgd) or decoupled decay (adamw)", low=0.0)
    clip_norm: float | None = option(
        None, "largest gradient norm of the group; null does not clip", low=0.0, above=True
    )

    def problems(self) -> Iterable[Problem]:
        """Yield what the algorithm cannot use."""
        if len(self.betas) != 2:
            yield Problem("betas", f"expected two decay rates, found {len(self.betas)}")
        if self.momentum and self.algorithm != "sgd":
            yield Problem("momentum", f"has no effect with algorithm={self.algorithm}; it belongs to sgd")
        if self.amsgrad and self.algorithm == "sgd":
            yield Problem("amsgrad", "has no effect with algorithm=sgd; it belongs to adam and adamw")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what the algorithm has no use for."""
        if self.algorithm == "sgd":
            yield from idle("algorithm=sgd", "betas", "eps")


@dataclass
class ScheduledOptimizerConf(OptimizerConf):
    r"""An optimiser whose learning rate falls by epochs.

    In steps, in inverse proportion to time, or both: after t whole epochs, k of the milestones passed, it is
    lr * lr_decay^k / (1 + inverse_decay * max(0, t - inverse_decay_from)). The last factor is that of the official code
    of Sohn, Lee and Yan (NeurIPS 2015): 1e-3 from epoch 500, where an epoch is 20 steps.
    """

    milestones: list[int] = option([], "epochs after which the learning rate is multiplied by lr_decay", low=1)
    lr_decay: float = option(0.1, "factor of the learning rate at each milestone", low=0.0, high=1.0, above=True)
    inverse_decay: float = option(
        0.0, "d of the factor 1 / (1 + d (t - t0)) of the learning rate after t epochs; 0 for none", low=0.0
    )
    inverse_decay_from: int = option(0, "t0, epochs after which inverse_decay begins", low=0)

    def problems(self) -> Iterable[Problem]:
        """Yield what the algorithm cannot use, milestones that are not in order, a beginning of no decay."""
        yield from super().problems()
        if list(self.milestones) != sorted(set(self.milestones)):
            yield Problem("milestones", f"expected ascending epochs, each once, found {list(self.milestones)}")
        if self.inverse_decay_from and not self.inverse_decay:
            yield Problem("inverse_decay_from", "has no effect with inverse_decay=0")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what the algorithm has no use for, and the factor of no milestone."""
        yield from super().idle_options()
        if not self.milestones:
            yield from idle("milestones=[]", "lr_decay")

    def unreached(self, epochs: int) -> Iterable[Problem]:
        """Yield what changes no rate in a training of so many epochs."""
        late = [milestone for milestone in self.milestones if milestone >= epochs]
        if late:
            yield Problem("milestones", f"{late} are not reached in {epochs} epochs; leave them out")
        last = epochs - 1  # begins after so many, and is the first with a lower rate if t0 is one less
        if self.inverse_decay and self.inverse_decay_from >= max(1, last):
            told = f"{self.inverse_decay_from} is too late for {epochs} epochs, the last of which begins after {last}"
            yield Problem("inverse_decay_from", told)

    def lr_after(self, epochs: int) -> float:
        """Return the learning rate after so many whole epochs.

        >>> conf = ScheduledOptimizerConf(lr=1.0, milestones=[2, 5], lr_decay=0.5)
        >>> [conf.lr_after(epochs) for epochs in (0, 1, 2, 4, 5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]
        >>> conf = ScheduledOptimizerConf(lr=1.0, inverse_decay=0.5, inverse_decay_from=2)
        >>> [conf.lr_after(epochs) for epochs in (0, 2, 4)]
        [1.0, 1.0, 0.5]
        """
        passed = sum(milestone <= epochs for milestone in self.milestones)
        late = max(0, epochs - self.inverse_decay_from)
        return float(self.lr * self.lr_decay**passed / (1 + self.inverse_decay * late))
