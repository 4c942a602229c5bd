"""Options of the ridge prototype classifier."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import ModelConf
from zsl_runner.config.vocabulary import Capability, Provision


@dataclass
class RidgePrototypeConf(ModelConf):
    """Nearest class prototype, the prototypes predicted by ridge regression; a reference, not a generator."""

    implementation: ClassVar[str] = "zsl_runner.models.ridge_prototype.model:RidgePrototype"
    needs: ClassVar[frozenset[str]] = frozenset({Provision.FEATURES, Provision.CLASS_VECTORS})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.CLASS_SCORES, Capability.FIT})

    kind: str = option("ridge_prototype", "the implementation; fixed by the file chosen in the group")
    name: str = option("ridge_prototype", "the label in directories, tables and TensorBoard")
    direction: str = option(
        "class_to_feature",
        "class_to_feature: predict the mean features of a class; feature_to_class: predict the class vector of a row",
        choices=("class_to_feature", "feature_to_class"),
    )
    penalty: float = option(
        1.0,
        "added to the diagonal of the inputs' scatter matrix: squared class-vector units summed over classes, or "
        "squared feature units summed over rows",
        low=0.0,
        above=True,
    )
    metric: str = option("cosine", "how a row is compared with a prototype", choices=("cosine", "euclidean"))
    seen_prototypes: str = option(
        "mean",
        "prototype of a class with training rows: the mean of its rows, or predicted like that of an unseen class",
        choices=("mean", "predicted"),
    )

    def problems(self) -> Iterable[Problem]:
        """Class means are prototypes among features, not among class vectors."""
        if self.direction == "feature_to_class" and self.seen_prototypes == "mean":
            yield Problem(
                "seen_prototypes",
                "expected predicted with direction=feature_to_class, where prototypes are class vectors; found mean",
            )
