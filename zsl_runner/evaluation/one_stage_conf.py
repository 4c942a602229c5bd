"""Options that protocols share whose data have training, validation and test rows, that is one stage of training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import EvaluatorConf


@dataclass
class OneStageEvaluatorConf(EvaluatorConf):
    """Base of their options."""

    stages: list[str] = option(
        ["fit"],
        "[fit] = train on the training rows, validate on the validation rows and read the test rows once at the end; "
        "[tune] = the same without the test, to choose settings by",
        choices=("fit", "tune"),
    )

    def problems(self) -> Iterable[Problem]:
        """Yield stages that are not for such data."""
        yield from super().problems()
        if list(self.stages) not in (["fit"], ["tune"]):
            yield Problem("stages", f"must be [fit] or [tune], found {list(self.stages)}")
