"""Options of the training of deterministic predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.trainers.prediction_conf import PredictionTrainerConf


@dataclass
class DeterministicTrainerConf(PredictionTrainerConf):
    """Maximum likelihood of the deterministic prediction; of a model with codes, each at its prior mean (GDNN)."""

    implementation: ClassVar[str] = "zsl_runner.trainers.nn.trainer:DeterministicTrainer"

    kind: str = "nn"
    name: str = "nn"
