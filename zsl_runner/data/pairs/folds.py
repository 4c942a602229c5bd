"""Inputs with outputs to be predicted from them, on the run's device, and the folds made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor

from zsl_runner.data.records import Rows
from zsl_runner.data.rows import RowView, on_device
from zsl_runner.data.stages import Fold, OneStage, spread


class Pair(NamedTuple):
    """A batch.

    Attributes:
        x: (B, ...) inputs.
        y: (B, ...) outputs: floats, or int64 labels.
        valid: bool in the shape of ``y``, which entries of the output count; None if all do.
    """

    x: Tensor
    y: Tensor
    valid: Tensor | None = None


class PairSource(Protocol):
    """Hands out pairs by row of the data set."""

    def take(self, rows: Tensor, generator: torch.Generator | None) -> Pair:
        """Return the pairs of ``rows`` (int64).

        It belongs to what a step computes: one that waits for a value or reads the host's memory is not captured.

        Args:
            rows: row indices.
            generator: draws what is random in a training batch (sampled outputs, augmentation); None for evaluation,
                where a row always gives the same pair.
        """


class PairView(RowView[Pair]):
    """Some rows of a source.

    Args:
        source: where the pairs come from.
        rows: (n,) int64 rows of this view, on the device of the pairs.
    """

    def __init__(self, source: PairSource, rows: Tensor) -> None:
        self._source = source
        super().__init__(rows)

    def take(self, positions: Tensor, generator: torch.Generator | None = None) -> Pair:
        """Return the pairs at ``positions`` (int64, 0..n-1) of this view; see `PairSource.take`."""
        return self._source.take(self._rows[positions], generator)

    def part(self, positions: Tensor) -> PairView:
        """Return a view of the rows at ``positions`` of this one."""
        return PairView(self._source, self._rows[positions])


@dataclass(frozen=True)
class PairShape:
    """Sizes a model takes from the data.

    Attributes:
        x: shape of one input, e.g. (784,) or (3, 128, 128).
        y: shape of one output, e.g. (588,) or (128, 128).
        classes: number of labels an entry of the output may have; None if outputs are numbers.
        unit_interval: whether outputs that are numbers lie in [0, 1].
    """

    x: tuple[int, ...]
    y: tuple[int, ...]
    classes: int | None = None
    unit_interval: bool = False


@dataclass(frozen=True)
class PairTrainingSet:
    """What training may see.

    Attributes:
        pairs: the training rows.
        shape: the sizes a model takes from them.
    """

    pairs: PairView
    shape: PairShape

    def limited(self, rows: int) -> PairTrainingSet:
        """Return the same with so many pairs."""
        positions = torch.from_numpy(spread(len(self.pairs), rows)).to(self.pairs.device)
        return replace(self, pairs=self.pairs.part(positions))


@dataclass(frozen=True)
class PairEvaluationSet:
    """Rows that only an evaluator reads.

    Attributes:
        name: ``val`` or ``test``; prefix of the metrics.
        pairs: the rows.
        shape: sizes of inputs and outputs.
        layout: how the data set's pictures are put together from inputs and outputs, for figures; the class is the
            data set's own.
    """

    name: str
    pairs: PairView
    shape: PairShape
    layout: Any = None


PairFold = Fold[PairTrainingSet, PairEvaluationSet]


class PairStages(OneStage[PairTrainingSet, PairEvaluationSet]):
    """Cuts the one stage of a data set with training, validation and test rows.

    Args:
        source: hands out the pairs.
        shape: sizes of inputs and outputs.
        rows: row indices under ``train``, ``val`` and ``test``.
        device: where the pairs live.
        layout: see `PairEvaluationSet`.
    """

    def __init__(
        self, source: PairSource, shape: PairShape, rows: dict[str, Rows], device: torch.device, layout: Any = None
    ) -> None:
        self._shape = shape
        self._layout = layout
        self._views = {split: PairView(source, on_device(part, device)) for split, part in rows.items()}

    def fold(self, evaluated: str) -> PairFold:
        """Return the training rows and the rows of one split; see `OneStage.fold`."""
        evaluation = PairEvaluationSet(evaluated, self._views[evaluated], self._shape, self._layout)
        return PairFold(PairTrainingSet(self._views["train"], self._shape), evaluation)
