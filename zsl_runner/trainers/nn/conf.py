"""Options of the training of deterministic predictions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.problems import Idle, idle
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import OF_CODES, Capability
from zsl_runner.trainers.prediction_conf import OF_RECOGNITION, PredictionTrainerConf


@dataclass
class DeterministicTrainerConf(PredictionTrainerConf):
    """Maximum likelihood of the deterministic prediction; of a model with codes, each at its prior mean (GDNN)."""

    implementation: ClassVar[str] = "zsl_runner.trainers.nn.trainer:DeterministicTrainer"

    kind: str = "nn"
    name: str = "nn"

    def unmeasured(self, model: ModelConf) -> Mapping[str, str]:
        """Of a deterministic model the likelihood is not estimated."""
        return dict.fromkeys(("NCLL_MC", *OF_RECOGNITION), f"trainer={self.name} has each code at its mean; use NCLL")

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield the evaluator's options of drawn codes; of a model without codes it yields them itself."""
        if Capability.LATENT_OUTPUT in model.capabilities:
            yield from idle(
                f"trainer={self.name}, which has each code at its mean", *OF_CODES, "refinements", part="evaluator"
            )
