"""Options of the protocol that trains a final classifier."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.classifiers.conf import ClassifierConf
from zsl_runner.config.fields import option, section
from zsl_runner.config.vocabulary import Capability
from zsl_runner.evaluation.zsl.conf import ZeroShotEvaluatorConf


@dataclass
class FinalClassifierConf(ClassifierConf):
    """Softmax classifiers that also learn from labelled rows."""

    real_per_class: int | None = option(
        None,
        "labelled rows of each class, drawn anew in each measurement, some of them several times if there are fewer; "
        "null = every labelled row once",
        low=1,
        neutral=True,
    )


@dataclass
class FinalClassifierEvaluatorConf(ZeroShotEvaluatorConf):
    """T1 of a classifier of the unseen classes; U, S, H, AUSUC of one of all classes; both are trained each time."""

    implementation: ClassVar[str] = "zsl_runner.evaluation.final_classifier.evaluator:FinalClassifierEvaluator"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.SYNTHESIZE})

    kind: str = "final_classifier"
    name: str = "final_classifier"
    classifier: FinalClassifierConf = section(FinalClassifierConf, "the two softmax classifiers")
