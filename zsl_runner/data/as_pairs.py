"""Data of other kinds as inputs with outputs, for models that predict outputs.

Of zero-shot rows the class vector is the input and the features are the output; of images the label, and the pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.data.folds import TrainingSet
from zsl_runner.data.label_pairs import LabelLayout, label_pairs, label_shape
from zsl_runner.data.labelled_images.folds import ImageEvaluationSet, ImageTrainingSet, LabelledImages
from zsl_runner.data.pairs import Pair, PairEvaluationSet, PairTrainingSet, PairView


class ClassPairs:
    """Hands out the labelled rows of a zero-shot training set.

    Args:
        data: the training set.
    """

    def __init__(self, data: TrainingSet) -> None:
        self._data = data

    def take(self, rows: Tensor, generator: torch.Generator | None) -> Pair:
        """Return class vectors and features of positions ``rows``; nothing is random in them."""
        return Pair(self._data.class_vectors[self._data.labels[rows]], self._data.features.take(rows))


def training_pairs(data: TrainingSet | PairTrainingSet | ImageTrainingSet) -> PairView:
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
