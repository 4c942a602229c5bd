"""What a run asks of any data set: the folds of its stages.

A *fold* is what training may see, and rows to evaluate on. A stage trains on one fold:

- ``tune`` validates on the way and reads no test row; of zero-shot data on classes of its own, of others on the rows
  of ``fit``;
- ``final`` does not validate, and measures the test rows once at its end;
- ``fit`` validates on the way on rows of its own, and measures the test rows once at its end.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from zsl_runner.data.records import Rows


class TrainingData(Protocol):
    """What a model, to be built, must know of a training set."""

    @property
    def shape(self) -> Any:
        """The sizes a model takes from the data."""

    def limited(self, rows: int) -> TrainingData:
        """Return the same with so many labelled rows only, see `spread`; for ``debug.overfit``."""


def spread(count: int, rows: int) -> Rows:
    """Return the positions of ``rows`` of ``count`` rows at even distances: so that they are of many classes.

    >>> spread(9, 3).tolist(), spread(2, 5).tolist()
    ([0, 4, 8], [0, 1])
    """
    return np.unique(np.linspace(0, count - 1, min(rows, count)).round().astype(np.int64))


class EvaluationData(Protocol):
    """Rows that only an evaluator reads."""

    @property
    def name(self) -> str:
        """``val`` or ``test``; prefix of the metrics."""


Training = TypeVar("Training", bound=TrainingData)
Evaluation = TypeVar("Evaluation", bound=EvaluationData)


@dataclass(frozen=True)
class Fold(Generic[Training, Evaluation]):
    """A training set and the evaluation set that belongs to it; of a kind of data, both of that kind.

    Attributes:
        train: what training may see, a `TrainingData`.
        evaluation: what only an evaluator reads, an `EvaluationData`.
    """

    train: Training
    evaluation: Evaluation


AnyFold = Fold[Any, Any]
"""A fold of whatever kind of data: what runs and loops hand on without looking inside."""


class Stages(Protocol):
    """Cuts the folds of one data set."""

    def cut(self, stage: str) -> AnyFold:
        """Return the fold a stage trains on and, if it validates, validates on.

        Raises:
            ValueError: there is no such stage; a misspelt one must never open the test split.
        """

    def tested(self, stage: str) -> AnyFold:
        """Return the fold of a stage in `zsl_runner.config.vocabulary.TESTING` with the test rows for evaluation.

        Raises:
            ValueError: the stage tests nothing.
        """


class OneStage(ABC, Generic[Training, Evaluation]):
    """Base of what cuts ``fit`` and ``tune``, which differ in the test alone; see `zsl_runner.data.stages`."""

    def cut(self, stage: str) -> Fold[Training, Evaluation]:
        """Return training rows and validation rows.

        Raises:
            ValueError: another stage than ``fit`` or ``tune``.
        """
        return self._fold_of(stage, ("fit", "tune"), "val")

    def tested(self, stage: str) -> Fold[Training, Evaluation]:
        """Return training rows and test rows.

        Raises:
            ValueError: another stage than ``fit``.
        """
        return self._fold_of(stage, ("fit",), "test")

    @abstractmethod
    def fold(self, evaluated: str) -> Fold[Training, Evaluation]:
        """Return the training rows and the rows of the split ``evaluated`` (``val`` or ``test``)."""

    def _fold_of(self, stage: str, known: tuple[str, ...], evaluated: str) -> Fold[Training, Evaluation]:
        if stage not in known:
            raise ValueError(f"unknown stage {stage!r}; expected {' or '.join(known)}")
        return self.fold(evaluated)
