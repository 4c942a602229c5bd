"""Options of the training of aligned autoencoders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Capability, Provision

RISING = ("kl", "cross", "alignment")
"""Terms of the loss that rise, by the names they have in the model's loss and here."""


def weight_of(term: str) -> str:
    """Return the model's option that is the weight of a term of `RISING`."""
    return f"{term}_weight"


@dataclass
class RiseConf:
    """A stretch of training in which a term of the loss rises from 0 to its weight, linearly, epoch by epoch."""

    begin: float = option(0.0, "share of the epochs before it", low=0.0, high=1.0, below=True)
    end: float = option(1.0, "share of the epochs after which the term has its weight", low=0.0, high=1.0, above=True)

    def problems(self) -> Iterable[Problem]:
        """A stretch has a length."""
        if self.begin >= self.end:
            yield Problem("begin", f"is {self.begin:g}, which is not before end={self.end:g}")


@dataclass
class AlignedVAETrainerConf(TrainerConf):
    """Gradient steps on labelled rows, epoch by epoch, while divergence, cross-reconstruction and alignment rise."""

    implementation: ClassVar[str] = "zsl_runner.trainers.aligned_vae.trainer:AlignedVAETrainer"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.LOSS_TERMS, Capability.ALIGNED_CODES})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.ZERO_SHOT, Provision.FEATURES, Provision.CLASS_VECTORS})

    kind: str = "aligned_vae"
    name: str = "aligned_vae"
    epochs: int = option(100, "passes over the training rows", low=1)
    batch_size: int = option(50, "rows of a step", low=2)
    evaluate_every: int = option(20, "epochs between two validations", low=1)
    kl: RiseConf = section(RiseConf, "when the divergences from N(0, I) rise")
    cross: RiseConf = section(RiseConf, "when the errors of what is decoded from the other's code rise")
    alignment: RiseConf = section(RiseConf, "when the distance between the two codes rises")
    optim: OptimizerConf = section(OptimizerConf, "optimiser of all networks")

    def optimisers(self) -> dict[str, OptimizerConf]:
        """The same settings for both groups of networks."""
        return {"autoencoder": self.optim, "prior": self.optim}

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """A term must have begun to rise while there is training; it is 0 in the epoch in which it begins."""
        for term in RISING:
            begin = getattr(self, term).begin
            if getattr(model, weight_of(term)) and (self.epochs - 1) / self.epochs <= begin:
                told = f"{begin:g} is too late in a training of {self.epochs} epochs: {term} would have no part in it"
                yield Problem(f"{term}.begin", f"{told}; train longer, or use model.{weight_of(term)}=0")

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield when terms rise that are left out."""
        for term in RISING:
            if getattr(model, weight_of(term)) == 0:
                yield from idle(f"model.{weight_of(term)}=0", f"{term}.begin", f"{term}.end")
