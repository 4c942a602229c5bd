"""Tagged images on the run's device. Training gets images and tags; masks are for evaluation alone."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.data.images.folds import ImageView
from zsl_runner.data.records import Records
from zsl_runner.data.stages import Fold, OneStage, spread
from zsl_runner.data.tagged.options import TaggedConf
from zsl_runner.data.tagged.records import TaggedRecords


@dataclass(frozen=True)
class TaggedShape:
    """Sizes a model takes from the data.

    Attributes:
        channels: 1 or 3.
        height: pixels.
        width: pixels.
        classes: number K of classes, the background among them.
    """

    channels: int
    height: int
    width: int
    classes: int


class TaggedBatch(NamedTuple):
    """Images of a step.

    Attributes:
        x: (B, C, H, W) floats in 0..1.
        tags: (B, K - 1) of 0 and 1.
    """

    x: Tensor
    tags: Tensor


@dataclass(frozen=True)
class TaggedTrainingSet:
    """What training may see; there is no mask in it.

    Attributes:
        images: n images.
        tags: (n, K - 1) float32 of 0 and 1.
        shape: the sizes a model takes from them.
        flip: whether images are mirrored left to right with probability one half.
    """

    images: ImageView
    tags: Tensor
    shape: TaggedShape
    flip: bool = False

    def __len__(self) -> int:
        return len(self.images)

    def take(self, positions: Tensor, generator: torch.Generator | None = None) -> TaggedBatch:
        """Return the images at ``positions`` (int64) with their tags.

        Args:
            positions: 0..n-1.
            generator: draws which are mirrored; None for none.
        """
        x = self.images.take(positions)
        if self.flip and generator is not None:
            mirrored = torch.rand(len(x), generator=generator, device=x.device) < 0.5
            x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
        return TaggedBatch(x, self.tags[positions])

    def limited(self, rows: int) -> TaggedTrainingSet:
        """Return the same with so many images."""
        positions = torch.from_numpy(spread(len(self), rows)).to(self.tags.device)
        return replace(self, images=self.images.part(positions), tags=self.tags[positions])


@dataclass(frozen=True)
class TaggedEvaluationSet:
    """Images that only an evaluator reads.

    Attributes:
        name: ``val`` or ``test``; prefix of the metrics.
        images: n images.
        tags: (n, K - 1) float32 of 0 and 1.
        masks: (n, H, W) uint8 in 0..K-1, or `zsl_runner.data.pairs.segmentation.records.VOID`; None if nobody knows.
        shape: sizes of the images.
        class_names: K names, the background's first.
    """

    name: str
    images: ImageView
    tags: Tensor
    masks: Tensor | None
    shape: TaggedShape
    class_names: tuple[str, ...]


TaggedFold = Fold[TaggedTrainingSet, TaggedEvaluationSet]


class TaggedStages(OneStage[TaggedTrainingSet, TaggedEvaluationSet]):
    """Cuts the one stage of tagged images.

    Args:
        records: the images; they are held once, as bytes.
        flip: see `TaggedTrainingSet`.
        device: where they live.
    """

    def __init__(self, records: TaggedRecords, flip: bool, device: torch.device) -> None:
        self._records = records
        self._flip = flip
        self._device = device
        self._images = torch.from_numpy(records.images).to(device)
        channels, height, width = records.images.shape[1:]
        self._shape = TaggedShape(channels, height, width, len(records.class_names))

    def fold(self, evaluated: str) -> TaggedFold:
        """Return the training rows and the rows of one split; see `OneStage.fold`."""
        records = self._records
        rows = records.splits()[evaluated]
        masks = None
        if records.masks is not None and records.has_mask(rows).any():
            masks = torch.from_numpy(records.masks[rows]).to(self._device)
        evaluation = TaggedEvaluationSet(
            name=evaluated,
            images=self._view(rows),
            tags=self._tags(rows),
            masks=masks,
            shape=self._shape,
            class_names=records.class_names,
        )
        training = TaggedTrainingSet(self._view(records.train), self._tags(records.train), self._shape, self._flip)
        return TaggedFold(training, evaluation)

    def _view(self, rows: np.ndarray) -> ImageView:
        return ImageView(self._images, torch.from_numpy(rows).to(self._device))

    def _tags(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(self._records.tags[rows]).float().to(self._device)


def tagged_folds(records: Records, conf: DatasetConf, trainer: TrainerConf, device: torch.device) -> TaggedStages:
    """Return what cuts the folds of tagged images."""
    assert isinstance(records, TaggedRecords)
    assert isinstance(conf, TaggedConf)
    return TaggedStages(records, conf.flip, device)
