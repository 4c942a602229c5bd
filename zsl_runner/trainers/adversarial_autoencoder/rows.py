"""Batches of rows with what training knows of their classes, from images or from features."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.data.images.folds import UNLABELLED, ImageTrainingSet, ImageView
from zsl_runner.data.zero_shot.folds import FeatureView, ZeroShotTraining


@dataclass(frozen=True)
class Batch:
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


class TrainingRows:
    """The training rows of either kind of data, flat.

    Args:
        data: images or features with what training may see of their labels.
        only_labelled: leave out rows without label.

    Attributes:
        labelled: (n,) int64 positions of the rows with a label.
    """

    def __init__(self, data: ImageTrainingSet | ZeroShotTraining, only_labelled: bool) -> None:
        self._labels = data.labels
        self._views: ImageView | FeatureView
        if isinstance(data, ImageTrainingSet):
            self._views = data.images
            none = torch.zeros(1, data.shape.classes, device=data.labels.device)
            one_hot = torch.eye(data.shape.classes, device=data.labels.device)
            self._descriptions = torch.cat([one_hot, none])
        else:
            self._views = data.features
            self._descriptions = data.class_vectors
        positions = torch.arange(len(self._labels), device=self._labels.device)
        self.labelled = positions[self._labels != UNLABELLED]
        self._positions = self.labelled if only_labelled else positions

    def __len__(self) -> int:
        return len(self._positions)

    def take(self, places: Tensor) -> Batch:
        """Return the rows at ``places`` (int64, 0..len-1)."""
        return self._batch(self._positions[places])

    def take_labelled(self, places: Tensor) -> Batch:
        """Return the labelled rows at ``places`` (int64, 0..len(labelled)-1)."""
        return self._batch(self.labelled[places])

    def _batch(self, positions: Tensor) -> Batch:
        labels = self._labels[positions]
        # UNLABELLED is -1, the last row, which is zero.
        return Batch(self._views.take(positions).flatten(1), labels, self._descriptions[labels])
