"""What must not be chosen by metrics over all tasks."""

from __future__ import annotations

from collections.abc import Iterable

from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import EvaluatorConf


def problems_of_selection(conf: EvaluatorConf) -> Iterable[Problem]:
    """Yield that the training length would be chosen by tasks that come later, or after tasks that never came."""
    if conf.select == "val":
        yield Problem("select", "a length chosen by validation may end before the last task; expected last")
    if conf.patience is not None:
        yield Problem("patience", "early stopping would end before the last task; expected null")
