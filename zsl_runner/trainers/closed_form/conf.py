"""Options of the closed-form procedure: there are none beyond the model's own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.schema import TrainerConf
from zsl_runner.config.vocabulary import Capability, Provision


@dataclass
class ClosedFormTrainerConf(TrainerConf):
    """One step that solves the model."""

    implementation: ClassVar[str] = "zsl_runner.trainers.closed_form.trainer:ClosedFormTrainer"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.FIT})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.FEATURES})

    kind: str = "closed_form"
    name: str = "closed_form"
