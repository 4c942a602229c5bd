"""Data of one kind seen as another: what a model reads is decided once, when a stage is built.

As pairs: of zero-shot rows the class vector is the input and the features are the output; of images the label is the
input and the pixels are the output. As rows: features with class vectors, or pixels with labels, flat.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from zsl_runner.config.vocabulary import View
from zsl_runner.data.images.folds import (
    UNLABELLED,
    ImageEvaluationSet,
    ImageShape,
    ImageTrainingSet,
    ImageView,
    LabelledImages,
)
from zsl_runner.data.pairs.folds import Pair, PairEvaluationSet, PairShape, PairTrainingSet, PairView
from zsl_runner.data.rows import RowView
from zsl_runner.data.stages import AnyFold, Fold, Stages
from zsl_runner.data.zero_shot.folds import ZeroShotTraining


class ClassPairs:
    """Hands out the labelled rows of a zero-shot training set.

    Args:
        data: the training set.
    """

    def __init__(self, data: ZeroShotTraining) -> None:
        self._data = data

    def take(self, rows: Tensor, generator: torch.Generator | None) -> Pair:
        """Return class vectors and features of positions ``rows``; nothing is random in them."""
        return Pair(self._data.class_vectors[self._data.labels[rows]], self._data.features.take(rows))


class LabelPairs:
    """Hands out labels and pixels.

    Args:
        images: n images.
        labels: (n,) int64 class ids, all known.
        classes: number K of classes.
    """

    def __init__(self, images: ImageView, labels: Tensor, classes: int) -> None:
        self._images = images
        self._labels = labels
        self._classes = classes

    def take(self, rows: Tensor, generator: torch.Generator | None) -> Pair:
        """Return (B, K) one-hot labels and (B, C H W) pixels in 0..1; nothing is random in them."""
        return Pair(one_hot(self._labels[rows], self._classes).float(), self._images.take(rows).flatten(1))


@dataclass(frozen=True)
class LabelLayout:
    """How images are put together again from outputs.

    Attributes:
        shape: sizes of the images.
    """

    shape: ImageShape

    def labels(self) -> Tensor:
        """Return the (K, K) inputs of all classes, one after the other."""
        return torch.eye(self.shape.classes)

    def picture(self, y: Tensor) -> Tensor:
        """Return (..., H, W) pictures of outputs (..., C H W), channels averaged."""
        shape = (*y.shape[:-1], self.shape.channels, self.shape.height, self.shape.width)
        return y.reshape(shape).mean(-3)


def label_shape(shape: ImageShape) -> PairShape:
    """Return the sizes of inputs and outputs."""
    return PairShape(x=(shape.classes,), y=(shape.entries,), unit_interval=True)


def label_pairs(images: LabelledImages, rows: Tensor, shape: ImageShape) -> PairView:
    """Return the images at ``rows`` (int64), which all have a label, as pairs."""
    return PairView(LabelPairs(images.images, images.labels, shape.classes), rows)


@dataclass(frozen=True)
class RowBatch:
    """Rows of a step.

    Attributes:
        x: (B, D).
        labels: (B,) int64 classes; `UNLABELLED` where training does not know.
        description: (B, A) what describes the class: one-hot labels of images, zero for rows without, or class vectors.
    """

    x: Tensor
    labels: Tensor
    description: Tensor

    @property
    def is_labelled(self) -> Tensor:
        """Which rows (B,) have a label."""
        return self.labels != UNLABELLED


@dataclass(frozen=True)
class RowShape:
    """Sizes a model takes from rows.

    Attributes:
        width: entries D of a row.
        description: entries A of what describes a class.
        classes: number K of classes; 0 if there are none.
    """

    width: int
    description: int
    classes: int


class RowTrainingSet:
    """Rows with what training may see of their classes.

    Args:
        view: where the rows come from.
        labels: (n,) int64; `UNLABELLED` for rows whose label training may not see.
        descriptions: (K, A) what describes the classes, or (K + 1, A) with a last row for rows without label.
        shape: the sizes a model takes from them.
        positions: (m,) int64 the rows that are handed out.

    Attributes:
        shape: the sizes a model takes from them.
        labelled: int64 positions of the rows with a label.
    """

    def __init__(
        self, view: RowView[Tensor], labels: Tensor, descriptions: Tensor, shape: RowShape, positions: Tensor
    ) -> None:
        self._view, self._labels, self._descriptions, self._positions = view, labels, descriptions, positions
        self.shape = shape
        self.labelled = positions[labels[positions] != UNLABELLED]

    def __len__(self) -> int:
        return len(self._positions)

    def only_labelled(self) -> RowTrainingSet:
        """Return the same without the rows that have no label."""
        return RowTrainingSet(self._view, self._labels, self._descriptions, self.shape, self.labelled)

    def take(self, places: Tensor) -> RowBatch:
        """Return the rows at ``places`` (int64, 0..len-1)."""
        return self._batch(self._positions[places])

    def take_labelled(self, places: Tensor) -> RowBatch:
        """Return the labelled rows at ``places`` (int64, 0..len(labelled)-1)."""
        return self._batch(self.labelled[places])

    def _batch(self, positions: Tensor) -> RowBatch:
        labels = self._labels[positions]
        # UNLABELLED is -1, the last row, which is zero.
        return RowBatch(self._view.take(positions).flatten(1), labels, self._descriptions[labels])


def training_pairs(data: ZeroShotTraining | PairTrainingSet | ImageTrainingSet) -> PairTrainingSet:
    """Return the pairs to train on; of images those with a label."""
    if isinstance(data, PairTrainingSet):
        return data
    if isinstance(data, ImageTrainingSet):
        images = LabelledImages(data.images, data.labels)
        return PairTrainingSet(label_pairs(images, data.labelled, data.shape), label_shape(data.shape))
    positions = torch.arange(len(data.features), device=data.features.device)
    shape = PairShape(x=(data.shape.class_vector,), y=(data.shape.features,))
    return PairTrainingSet(PairView(ClassPairs(data), positions), shape)


def evaluation_pairs(data: PairEvaluationSet | ImageEvaluationSet) -> PairEvaluationSet:
    """Return the pairs to measure on."""
    if isinstance(data, PairEvaluationSet):
        return data
    rows = torch.arange(len(data.rows), device=data.rows.labels.device)
    pairs = label_pairs(data.rows, rows, data.shape)
    return PairEvaluationSet(data.name, pairs, label_shape(data.shape), LabelLayout(data.shape))


def training_rows(data: ZeroShotTraining | ImageTrainingSet) -> RowTrainingSet:
    """Return features with class vectors, or the pixels of images with one-hot labels."""
    positions = torch.arange(len(data.labels), device=data.labels.device)
    if isinstance(data, ZeroShotTraining):
        shape = RowShape(data.shape.features, data.shape.class_vector, data.shape.classes)
        return RowTrainingSet(data.features, data.labels, data.class_vectors, shape, positions)
    classes = data.shape.classes
    descriptions = torch.eye(classes + 1, classes, device=data.labels.device)  # the last row, of no class, is zero
    shape = RowShape(data.shape.entries, classes, classes)
    return RowTrainingSet(data.images, data.labels, descriptions, shape, positions)


def training_as(view: View, data: Any) -> Any:
    """Return a training set as a model reads it."""
    if view is View.PAIRS:
        return training_pairs(data)
    return training_rows(data) if view is View.ROWS else data


def evaluation_as(view: View, data: Any) -> Any:
    """Return an evaluation set as an evaluator reads it.

    Raises:
        ValueError: evaluation sets have no such view.
    """
    if view is View.ROWS:
        raise ValueError("evaluation sets are not seen as rows")
    return evaluation_pairs(data) if view is View.PAIRS else data


class ViewedStages:
    """Cuts folds whose evaluation set is seen as an evaluator reads it.

    Args:
        stages: cuts the folds of a data set of any kind.
        view: what the evaluator reads.
    """

    def __init__(self, stages: Stages, view: View) -> None:
        self._stages = stages
        self._view = view

    def cut(self, stage: str) -> AnyFold:
        """Return a stage's fold; see `Stages.cut`."""
        return self._seen(self._stages.cut(stage))

    def tested(self, stage: str) -> AnyFold:
        """Return a stage's fold with the test rows; see `Stages.tested`."""
        return self._seen(self._stages.tested(stage))

    def _seen(self, fold: AnyFold) -> AnyFold:
        return Fold(fold.train, evaluation_as(self._view, fold.evaluation))
