"""Options that the procedures share that learn to predict outputs. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.optimizer import OptimizerConf, ScheduledOptimizerConf
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Capability, Provision

OF_RECOGNITION = ("NCLL_ELBO", "NCLL_IS")
"""Estimates of the likelihood that need codes of a trained recognition network."""


@dataclass
class PredictionTrainerConf(TrainerConf):
    """Gradient steps on batches of inputs and outputs, epoch by epoch."""

    requires: ClassVar[frozenset[str]] = frozenset({Capability.PREDICT_OUTPUT})

    epochs: int = option(20, "passes over the training rows", low=1)
    batch_size: int = option(128, "pairs of a step", low=1)
    evaluate_every: int = option(1, "epochs between two validations", low=1)
    omission: float = option(
        0.0,
        "input-omission noise: largest side of the square set to zero in each input image, as a share of the image's; "
        "0.4 in the official segmentation scripts, 0 for none",
        low=0.0,
        high=1.0,
    )
    optim: ScheduledOptimizerConf = section(ScheduledOptimizerConf, "optimiser of all networks")

    def optimisers(self) -> dict[str, OptimizerConf]:
        """The same settings for all groups of networks."""
        return {"generation": self.optim, "recognition": self.optim}

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """Milestones must be reached while there is training; squares can only be cut out of images."""
        for problem in self.optim.unreached(self.epochs):
            yield Problem(f"optim.{problem.key}", problem.message)
        if self.omission and Provision.SEGMENTATION not in dataset.provides:
            yield Problem(
                "omission", f"cuts squares out of input images, which dataset={dataset.kind} does not have; use 0"
            )
