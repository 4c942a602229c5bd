"""Options of the Gaussian problem."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import EvaluatorConf
from zsl_runner.data.tasks.options import ZeroShotTasksConf
from zsl_runner.data.zero_shot.draws import kept_rows, usual_validation_classes
from zsl_runner.data.zero_shot.options import ZeroShotConf


@dataclass
class ToyConf(ZeroShotConf):
    """Gaussian classes with one covariance, whose means are a smooth function of random attributes.

    By default 30 classes, 20 attributes, 64 features.
    """

    implementation: ClassVar[str] = "zsl_runner.data.sources.toy.source:load"

    kind: str = option("toy", "the implementation; fixed by the file chosen in the group")
    seen: int = option(22, "seen classes", low=2)
    unseen: int = option(8, "unseen classes", low=2)
    attributes: int = option(20, "entries of a class vector", low=2)
    width: int = option(64, "features", low=2)
    mapping: str = option(
        "tanh", "from attributes to class means: linear, or tanh = one hidden layer", choices=("tanh", "linear")
    )
    hidden: int = option(40, "hidden units of mapping=tanh", low=1)
    noise: float = option(0.4, "standard deviation of each feature within a class", low=0.0, above=True)
    nuisance_rank: int = option(0, "directions of additional within-class variation", low=0)
    nuisance_scale: float = option(0.6, "standard deviation along the additional directions", low=0.0, above=True)
    train_rows: int = option(80, "trainval rows of each seen class", low=2)
    test_rows: int = option(40, "test_seen rows of each seen class", low=1)
    unseen_rows: int = option(120, "test_unseen rows of each unseen class", low=1)
    data_seed: int = option(0, "seed of the problem and its rows; not the seed of the run", low=0)

    def problems(self) -> Iterable[Problem]:
        """Yield what is wrong with the combination of options."""
        yield from super().problems()
        if self.nuisance_rank > self.width:
            yield Problem("nuisance_rank", f"expected at most width={self.width}, found {self.nuisance_rank}")
        if self.validation_classes is not None and self.validation_classes > self.seen - 1:
            yield Problem(
                "validation_classes", f"expected fewer than seen={self.seen}, found {self.validation_classes}"
            )
        yield from self._too_many_shots("unseen_rows", self.unseen_rows, self.unseen)

    def fits(self, evaluator: EvaluatorConf) -> Iterable[Problem]:
        """Yield that the tune stage has too few rows of each validation class, which are trainval rows."""
        if "tune" in evaluator.stages:
            validation = self.validation_classes or usual_validation_classes(self.seen)
            yield from self._too_many_shots("train_rows", self.train_rows, validation)

    def _too_many_shots(self, key: str, rows: int, classes: int) -> Iterable[Problem]:
        """Yield that no row would be left to evaluate on of the smallest of some classes of equal size."""
        least = kept_rows(rows, classes - 1, classes, self.unseen_imbalance)
        if self.shots >= least:
            thinned = "" if least == rows else f", of which unseen_imbalance={self.unseen_imbalance:g} leaves {least}"
            stage = " of a validation class in the tune stage" if key == "train_rows" else ""
            yield Problem("shots", f"expected fewer than {key}={rows}{stage}{thinned}, found {self.shots}")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without a hidden layer, or without further directions."""
        yield from super().idle_options()
        if self.nuisance_rank == 0:
            yield from idle("nuisance_rank=0", "nuisance_scale")
        if self.mapping == "linear":
            yield from idle("mapping=linear", "hidden")


@dataclass
class ToyTasksConf(ZeroShotTasksConf, ToyConf):
    """The same classes in tasks."""

    kind: str = option("toy_tasks", "the implementation; fixed by the file chosen in the group")
