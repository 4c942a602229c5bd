"""Options of the training of deterministic predictions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.schema import ModelConf
from zsl_runner.trainers.prediction_conf import OF_RECOGNITION, PredictionTrainerConf


@dataclass
class DeterministicTrainerConf(PredictionTrainerConf):
    """Maximum likelihood of the deterministic prediction; of a model with codes, each at its prior mean (GDNN)."""

    implementation: ClassVar[str] = "zsl_runner.trainers.nn.trainer:DeterministicTrainer"

    kind: str = "nn"
    name: str = "nn"

    def unmeasured(self, model: ModelConf) -> Mapping[str, str]:
        """Deterministic predictions need no recognition network."""
        return dict.fromkeys(OF_RECOGNITION, f"trainer={self.name} trains no recognition network")
