"""Options that protocols share whose data have training, validation and test rows, that is one stage of training."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import EvaluatorConf
from zsl_runner.config.vocabulary import TESTING


@dataclass
class OneStageEvaluatorConf(EvaluatorConf):
    """Base of their options.

    ``of_the_test`` names the options, or blocks of them, that nothing but a measurement of the test rows looks at.
    """

    of_the_test: ClassVar[tuple[str, ...]] = ()

    stages: list[str] = option(
        ["fit"],
        "[fit] = train on the training rows, validate on the validation rows and read the test rows once at the end; "
        "[tune] = the same without the test, to choose settings by",
        choices=("fit", "tune"),
    )

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where no test rows are read."""
        yield from super().idle_options()
        if not set(self.stages) & set(TESTING):
            yield from idle(f"stages=[{','.join(self.stages)}], where no test rows are read", *self.of_the_test)

    def problems(self) -> Iterable[Problem]:
        """Yield stages that are not for such data."""
        yield from super().problems()
        if list(self.stages) not in (["fit"], ["tune"]):
            yield Problem("stages", f"must be [fit] or [tune], found {list(self.stages)}")
