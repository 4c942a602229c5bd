"""What a run asks of any data set: the folds of its stages.

A *fold* is what training may see, and rows to evaluate on. A stage trains on one fold:

- ``tune`` validates on the way and reads no test row; of zero-shot data on classes of its own, of others on the rows
  of ``fit``;
- ``final`` does not validate, and measures the test rows once at its end;
- ``fit`` validates on the way on rows of its own, and measures the test rows once at its end.
"""

from __future__ import annotations

from typing import Any, Protocol

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


class Fold(Protocol):
    """A training set and the evaluation set that belongs to it."""

    @property
    def train(self) -> Any:
        """The training set, a `TrainingData`."""

    @property
    def evaluation(self) -> Any:
        """The evaluation set, an `EvaluationData`."""


class Stages(Protocol):
    """Cuts the folds of one data set."""

    def cut(self, stage: str) -> Fold:
        """Return the fold a stage trains on and, if it validates, validates on.

        Raises:
            ValueError: there is no such stage; a misspelt one must never open the test split.
        """

    def tested(self, stage: str) -> Fold:
        """Return the fold of a stage in `zsl_runner.config.schema.TESTING` with the test rows for evaluation.

        Raises:
            ValueError: the stage tests nothing.
        """
