"""Data of other kinds as inputs with outputs, for models that predict outputs.

Of zero-shot rows the class vector is the input and the features are the output; of images the label, and the pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from zsl_runner.data.images.folds import ImageEvaluationSet, ImageShape, ImageTrainingSet, ImageView, LabelledImages
from zsl_runner.data.pairs.folds import Pair, PairEvaluationSet, PairShape, PairTrainingSet, PairView
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


def training_pairs(data: ZeroShotTraining | PairTrainingSet | ImageTrainingSet) -> PairView:
    """Return the pairs to train on, whatever the kind of data; of images those with a label."""
    if isinstance(data, PairTrainingSet):
        return data.pairs
    if isinstance(data, ImageTrainingSet):
        return label_pairs(LabelledImages(data.images, data.labels), data.labelled, data.shape)
    positions = torch.arange(len(data.features), device=data.features.device)
    return PairView(ClassPairs(data), positions)


def evaluation_pairs(data: PairEvaluationSet | ImageEvaluationSet) -> PairEvaluationSet:
    """Return the pairs to measure on."""
    if isinstance(data, PairEvaluationSet):
        return data
    rows = torch.arange(len(data.rows), device=data.rows.labels.device)
    pairs = label_pairs(data.rows, rows, data.shape)
    return PairEvaluationSet(data.name, pairs, label_shape(data.shape), LabelLayout(data.shape))


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
