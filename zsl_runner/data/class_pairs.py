"""Zero-shot training rows as pairs: the class vector is the input, the features are the output."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.data.folds import TrainingSet
from zsl_runner.data.pairs import Pair, PairTrainingSet, PairView


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


def training_pairs(data: TrainingSet | PairTrainingSet) -> PairView:
    """Return the pairs to train on, whatever the kind of data."""
    if isinstance(data, PairTrainingSet):
        return data.pairs
    positions = torch.arange(len(data.features), device=data.features.device)
    return PairView(ClassPairs(data), positions)
