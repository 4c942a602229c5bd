"""What the run asks of an evaluation protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zsl_runner.config.schema import EvaluatorConf
from zsl_runner.data.folds import EvaluationSet
from zsl_runner.models.base import Model

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Points:
    """Labelled points for TensorBoard's projector.

    Attributes:
        name: name of the set of points.
        values: (n, d).
        columns: for each label column n labels.
    """

    name: str
    values: NDArray[np.floating[Any]]
    columns: Mapping[str, Sequence[str]]


Draw = Callable[[], "Figure"]


@dataclass(frozen=True)
class Measurement:
    """What a protocol measured on one evaluation set.

    Attributes:
        metrics: figures by tag, e.g. ``val/H``; per cent where they are accuracies.
        choices: decisions made on this set that a later measurement may take over, e.g. a calibration offset.
        details: whatever the protocol's own figures need.
    """

    metrics: Mapping[str, float]
    choices: Mapping[str, float] = field(default_factory=dict)
    details: Any = None


class Protocol:
    """Base of all protocols, built as ``Protocol(conf)``."""

    def __init__(self, conf: EvaluatorConf) -> None:
        self.conf = conf

    def measure(self, model: Model, data: EvaluationSet, choices: Mapping[str, float]) -> Measurement:
        """Measure ``model`` on ``data``, leaving its mode and every random stream as they were.

        Args:
            model: the trained model.
            data: rows to score; its name prefixes the tags.
            choices: decisions made on validation data, empty if there are none.
        """
        raise TypeError(f"{type(self).__name__} measures nothing")

    def oracle(self, measurement: Measurement) -> dict[str, float]:
        """Return the ``oracle/*`` figures that look at the labels of a test measurement."""
        raise TypeError(f"{type(self).__name__} has no oracle figures")

    def figures(self, model: Model, data: EvaluationSet, measurement: Measurement) -> Iterable[tuple[str, Draw]]:
        """Yield (name, what draws it) for the end of a run."""
        return ()

    def points(self, model: Model, data: EvaluationSet) -> Iterable[Points]:
        """Yield sets of points for TensorBoard's projector."""
        return ()
