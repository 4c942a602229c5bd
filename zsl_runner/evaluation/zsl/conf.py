"""Options of the zero-shot protocol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.quantities import PRIOR_ERROR, Quantity
from zsl_runner.config.schema import EvaluatorConf
from zsl_runner.config.vocabulary import Capability, Provision


@dataclass
class ZeroShotEvaluatorConf(EvaluatorConf):
    """T1, U, S and H with per-class accuracies, with or without calibrated stacking."""

    implementation: ClassVar[str] = "zsl_runner.evaluation.zsl.evaluator:ZeroShotEvaluator"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.CLASS_SCORES})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.ZERO_SHOT, Provision.FEATURES, Provision.CLASS_VECTORS})
    quantities: ClassVar[dict[str, Quantity]] = PRIOR_ERROR

    kind: str = "zsl"
    name: str = "zsl"
    select_metric: str = option(
        "val/H",
        "validation metric for selection, early stopping and searches",
        choices=("val/H", "val/T1", "val/U", "val/S", "val/AUSUC"),
    )
    calibration: str = option(
        "none",
        "calibrated stacking: none; val = also report test/U_cal, test/S_cal and test/H_cal, with the offset that "
        "maximised val/H in the tune stage",
        choices=("none", "val"),
    )

    def problems(self) -> Iterable[Problem]:
        """Calibration and selection need the tune stage."""
        yield from super().problems()
        if list(self.stages) not in (["tune"], ["final"], ["tune", "final"]):
            yield Problem("stages", "must be [tune], [final] or [tune,final], each once and in this order")
        if "tune" not in self.stages:
            if self.calibration == "val":
                yield Problem("calibration", "val needs the tune stage: the offset is chosen on validation classes")
            if self.select == "val":
                yield Problem("select", "val needs the tune stage: the length is chosen on validation classes")
            if self.patience is not None:
                yield Problem("patience", "early stopping needs the tune stage: it looks at validation classes")
