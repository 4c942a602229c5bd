"""Options of transductive training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Capability, Provision
from zsl_runner.models.vzsl.conf import VZSLConf


@dataclass
class TransductiveTrainerConf(TrainerConf):
    """An inductive warm-up, then steps on seen rows and unlabelled unseen rows."""

    implementation: ClassVar[str] = "zsl_runner.trainers.transductive.trainer:TransductiveTrainer"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.LOSS_TERMS, Capability.TARGET_TERMS})
    needs: ClassVar[frozenset[str]] = frozenset(
        {Provision.ZERO_SHOT, Provision.FEATURES, Provision.CLASS_VECTORS, Provision.UNLABELLED}
    )

    kind: str = "transductive"
    name: str = "transductive"
    batch_size: int = option(64, "labelled rows of a step", low=2)
    target_batch_size: int = option(
        256, "unlabelled rows of a step; the sharpening uses their class frequencies", low=2
    )
    warmup_steps: int = option(2000, "steps on seen classes alone", low=0)
    steps: int = option(1000, "steps on seen and unlabelled rows together", low=0)
    target_weight: float = option(1.0, "weight of the unlabelled rows' terms", low=0.0, above=True)
    optim: OptimizerConf = section(OptimizerConf, "optimiser of all networks")

    def optimisers(self) -> dict[str, OptimizerConf]:
        """The same settings for both groups of networks."""
        return {"autoencoder": self.optim, "prior": self.optim}

    def problems(self) -> Iterable[Problem]:
        """Something must be trained."""
        if self.warmup_steps + self.steps == 0:
            yield Problem("steps", "is 0 and warmup_steps is 0: nothing would be trained")

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """The steps need a term of unlabelled rows: without one the result would be called transductive and is not."""
        if self.steps and isinstance(model, VZSLConf) and not model.learns_from_unlabelled():
            yield Problem(
                "steps",
                "unlabelled rows have no term in the loss: that takes model.reconstruction_weight or "
                "model.sharpening_weight above 0; or use trainer=seen_only",
            )

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where no unlabelled rows are seen."""
        if self.steps == 0:
            yield from idle("steps=0", "target_batch_size", "target_weight")

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what of the model is about unlabelled rows alone."""
        if self.steps == 0:
            of_target = model.options_of.get(Capability.TARGET_TERMS, ())
            yield from idle("trainer.steps=0", *of_target, part="model")
