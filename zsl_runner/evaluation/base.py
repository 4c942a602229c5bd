"""What the run asks of an evaluation protocol."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from zsl_runner.config.schema import EvaluatorConf
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


Draw = Callable[[], "Figure | Sequence[Figure]"]


@dataclass(frozen=True)
class Measurement:
    """What a protocol measured on one evaluation set.

    Attributes:
        metrics: figures by tag, e.g. ``val/H``; per cent unless the evaluator's ``quantities`` say otherwise.
        choices: decisions made on this set that a later measurement may take over, e.g. a calibration offset.
        details: whatever the protocol's own figures need.
    """

    metrics: Mapping[str, float]
    choices: Mapping[str, float] = field(default_factory=dict)
    details: Any = None


class Protocol:
    """Base of all protocols, built as ``Protocol(conf, seed)``.

    Args:
        conf: the evaluator's options.
        seed: the run's seed. What a measurement draws comes from generators made afresh from it each time, so that
            measuring twice gives the same figures and moves no stream of training.
    """

    def __init__(self, conf: EvaluatorConf, seed: int) -> None:
        self.conf = conf
        self.seed = seed

    def measure(self, model: Model, fold: Any, choices: Mapping[str, float]) -> Measurement:
        """Measure ``model`` on the fold's evaluation set, leaving its mode and every random stream as they were.

        Args:
            model: the trained model.
            fold: a fold of the kind of data the protocol is for: what the model was trained on, for protocols that fit
                a classifier themselves, and the rows to score; the name of the evaluation set prefixes the tags.
            choices: decisions made on validation data, empty if there are none.
        """
        raise TypeError(f"{type(self).__name__} measures nothing")

    def diagnose(self, data: Any, exhibits: Mapping[str, Tensor]) -> dict[str, float]:
        """Return figures that compare what a trainer shows with the labels of ``data``, by name without a prefix.

        The run logs them as ``val/<name>`` in the tune stage and as ``oracle/<name>``, on request only, on test rows.
        """
        return {}

    def oracle(self, measurement: Measurement) -> dict[str, float]:
        """Return ``oracle/*`` figures that look at the labels of a test measurement, beside the measurement's own."""
        return {}

    def figures(
        self, model: Model, data: Any, measurement: Measurement, exhibits: Mapping[str, Tensor]
    ) -> Iterable[tuple[str, Draw]]:
        """Yield (name, what draws it) for the end of a run; ``exhibits`` is what the trainer has to show."""
        return ()

    def points(self, model: Model, data: Any) -> Iterable[Points]:
        """Yield sets of points for TensorBoard's projector."""
        return ()
