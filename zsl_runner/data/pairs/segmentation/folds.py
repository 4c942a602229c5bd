"""Images as inputs, label maps as outputs, on the run's device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.data.pairs.folds import Pair, PairShape, PairStages
from zsl_runner.data.pairs.segmentation.options import SegmentationConf
from zsl_runner.data.pairs.segmentation.records import VOID, SegmentationRecords
from zsl_runner.data.records import Records


@dataclass(frozen=True)
class SegmentationLayout:
    """What a picture of label maps needs.

    Attributes:
        class_names: names by label.
    """

    class_names: tuple[str, ...]


class SegmentationSource:
    """Hands out x, floats in [0, 1], y, int64 labels, and which pixels are not void.

    Images stay bytes and become floats batch by batch. A void pixel has label 0 and is not valid.

    Args:
        images: (N, 3, H, W) uint8 on the run's device.
        labels: (N, H, W) uint8 on the same device.
        flip: mirror training images left to right with probability one half.
    """

    def __init__(self, images: Tensor, labels: Tensor, flip: bool) -> None:
        self._images = images
        self._labels = labels
        self._flip = flip
        self._has_void = bool((labels == VOID).any())

    def take(self, rows: Tensor, generator: torch.Generator | None) -> Pair:
        """Return the pairs of ``rows``; see `zsl_runner.data.pairs.folds.PairSource.take`."""
        x, y = self._images[rows], self._labels[rows]
        if self._flip and generator is not None:
            mirrored = torch.rand(len(rows), generator=generator, device=rows.device) < 0.5
            x = torch.where(mirrored[:, None, None, None], x.flip(-1), x)
            y = torch.where(mirrored[:, None, None], y.flip(-1), y)
        x, y = x.float().div_(255), y.long()
        if not self._has_void:
            return Pair(x, y)
        valid = y != VOID
        return Pair(x, y.masked_fill(~valid, 0), valid)


def segmentation_folds(records: Records, conf: DatasetConf, trainer: TrainerConf, device: torch.device) -> PairStages:
    """Return the one stage of a segmentation data set."""
    assert isinstance(records, SegmentationRecords)
    assert isinstance(conf, SegmentationConf)
    images, labels = torch.from_numpy(records.images).to(device), torch.from_numpy(records.labels).to(device)
    shape = PairShape(tuple(images.shape[1:]), tuple(labels.shape[1:]), classes=len(records.class_names))
    source = SegmentationSource(images, labels, conf.flip)
    return PairStages(source, shape, records.splits(), device, SegmentationLayout(records.class_names))
