"""Tagged images on the run's device. Training gets images and tags; masks are for evaluation, and for a bound."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.data.images.folds import ImageShape, ImageView, StoredImages
from zsl_runner.data.records import Records
from zsl_runner.data.stages import Fold, OneStage, spread
from zsl_runner.data.tagged.options import TaggedConf
from zsl_runner.data.tagged.records import TaggedRecords
from zsl_runner.errors import DataError
from zsl_runner.files.names import some


class TaggedBatch(NamedTuple):
    """Images of a step.

    Attributes:
        x: (B, C, H, W) floats in 0..1.
        tags: (B, K - 1) of 0 and 1.
    """

    x: Tensor
    tags: Tensor


class MaskedBatch(NamedTuple):
    """Images of a step of a procedure that sees masks.

    Attributes:
        x: (B, C, H, W) floats in 0..1.
        tags: (B, K - 1) of 0 and 1.
        masks: (B, H, W) uint8 in 0..K-1, or `zsl_runner.data.pairs.segmentation.records.VOID`.
    """

    x: Tensor
    tags: Tensor
    masks: Tensor


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
    shape: ImageShape
    flip: bool = False

    def __len__(self) -> int:
        return len(self.images)

    def take(self, positions: Tensor, generator: torch.Generator | None = None) -> TaggedBatch | MaskedBatch:
        """Return the images at ``positions`` (int64) with their tags.

        Args:
            positions: 0..n-1.
            generator: draws which are mirrored; None for none.
        """
        (x,) = self._mirrored(generator, self.images.take(positions))
        return TaggedBatch(x, self.tags[positions])

    def _mirrored(self, generator: torch.Generator | None, *maps: Tensor) -> tuple[Tensor, ...]:
        """Return (B, ..., W) values of pixels, of the same images mirrored in all of them."""
        if not self.flip or generator is None:
            return maps
        mirrored = torch.rand(len(maps[0]), generator=generator, device=maps[0].device) < 0.5
        return tuple(torch.where(mirrored.view(-1, *[1] * (one.ndim - 1)), one.flip(-1), one) for one in maps)

    def limited(self, rows: int) -> Self:
        """Return the same with so many images."""
        positions = self._spread(rows)
        return replace(self, images=self.images.part(positions), tags=self.tags[positions])

    def _spread(self, rows: int) -> Tensor:
        return torch.from_numpy(spread(len(self), rows)).to(self.tags.device)


@dataclass(frozen=True)
class MaskedTrainingSet(TaggedTrainingSet):
    """What a procedure sees that asked for masks, too.

    Attributes:
        masks: (n, H, W) uint8, see `MaskedBatch`; each has a pixel that counts.
    """

    masks: Tensor = field(kw_only=True)

    def take(self, positions: Tensor, generator: torch.Generator | None = None) -> MaskedBatch:
        """Return images, tags and masks, these mirrored with their images; see `TaggedTrainingSet.take`."""
        x, masks = self._mirrored(generator, self.images.take(positions), self.masks[positions])
        return MaskedBatch(x, self.tags[positions], masks)

    def limited(self, rows: int) -> Self:
        """Return the same with so many images."""
        return replace(super().limited(rows), masks=self.masks[self._spread(rows)])


@dataclass(frozen=True)
class TaggedEvaluationSet:
    """Images that only an evaluator reads.

    Attributes:
        name: ``val`` or ``test``, or ``oracle`` for test rows of a procedure that saw masks; prefix of the metrics.
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
    shape: ImageShape
    class_names: tuple[str, ...]


TaggedFold = Fold[TaggedTrainingSet, TaggedEvaluationSet]


class TaggedStages(OneStage[TaggedTrainingSet, TaggedEvaluationSet]):
    """Cuts the one stage of tagged images.

    Args:
        records: the images; they are held once, as bytes.
        flip: see `TaggedTrainingSet`.
        device: where they live.
        masked: whether training sees masks.
    """

    def __init__(self, records: TaggedRecords, flip: bool, device: torch.device, masked: bool = False) -> None:
        self._records = records
        self._flip = flip
        self._device = device
        self._masked = masked
        self._images = StoredImages(records.images, device)
        self._shape = self._images.shape(len(records.class_names))

    def fold(self, evaluated: str) -> TaggedFold:
        """Return the training rows and the rows of one split; see `OneStage.fold`.

        Raises:
            DataError: training is to see masks, and a training image has none.
        """
        records = self._records
        rows = records.splits()[evaluated]
        masks = None
        if records.masks is not None and records.has_mask(rows).any():
            masks = torch.from_numpy(records.masks[rows]).to(self._device)
        evaluation = TaggedEvaluationSet(
            name="oracle" if self._masked and evaluated == "test" else evaluated,
            images=self._images.view(rows),
            tags=self._tags(rows),
            masks=masks,
            shape=self._shape,
            class_names=records.class_names,
        )
        return TaggedFold(self._training(), evaluation)

    def _training(self) -> TaggedTrainingSet:
        records = self._records
        rows = records.train
        seen = self._images.view(rows), self._tags(rows), self._shape, self._flip
        if not self._masked:
            return TaggedTrainingSet(*seen)
        if records.masks is None or not records.has_mask(rows).all():
            raise DataError(_without_masks(records))
        return MaskedTrainingSet(*seen, masks=torch.from_numpy(records.masks[rows]).to(self._device))

    def _tags(self, rows: np.ndarray) -> Tensor:
        return torch.from_numpy(self._records.tags[rows]).float().to(self._device)


def tagged_folds(records: Records, conf: DatasetConf, trainer: TrainerConf, device: torch.device) -> TaggedStages:
    """Return what cuts the folds of tagged images."""
    assert isinstance(records, TaggedRecords)
    assert isinstance(conf, TaggedConf)
    return TaggedStages(records, conf.flip, device, trainer.sees_masks())


def _without_masks(records: TaggedRecords) -> str:
    """Return that training images have no mask to learn from, and what to do."""
    rows = records.train[~records.has_mask(records.train)]
    named = f": {some([records.names[row] for row in rows])}" if records.names else ""
    return (
        f"{records.name}: expected a mask with a pixel that counts for each training image, from which this trainer "
        f"learns; found none for {len(rows):,} of {len(records.train):,}{named}. Add the masks, leave these images out "
        "of the training split, or use trainer=prototype_contrast, which learns from tags"
    )
