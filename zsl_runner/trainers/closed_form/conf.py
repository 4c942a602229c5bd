"""Options of the closed-form procedure: there are none beyond the model's own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.problems import Idle, idle
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Capability, Provision


@dataclass
class ClosedFormTrainerConf(TrainerConf):
    """One step that solves the model."""

    implementation: ClassVar[str] = "zsl_runner.trainers.closed_form.trainer:ClosedFormTrainer"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.FIT})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.FEATURES})

    kind: str = "closed_form"
    name: str = "closed_form"

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what has no effect where there is nothing to stop early, or to go back to."""
        yield from idle(f"trainer={self.kind}, which takes one step", "select", "every", "patience", part="evaluator")
