"""Images of classes on the run's device, and the folds made of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.records import Records, Rows
from zsl_runner.data.rows import RowView, on_device
from zsl_runner.data.stages import Fold, OneStage, spread

UNLABELLED = -1


class ImageView(RowView[Tensor]):
    """Some rows of the images, which are held once, as bytes.

    Args:
        images: (N, C, H, W) uint8 all images of the data set.
        rows: (n,) int64 the rows of this view, on the same device.
    """

    def __init__(self, images: Tensor, rows: Tensor) -> None:
        self._images = images
        super().__init__(rows)

    def take(self, positions: Tensor) -> Tensor:
        """Return the (B, C, H, W) images, floats in 0..1, at ``positions`` (int64, 0..n-1) of this view."""
        return self._images[self._rows[positions]] / 255

    def part(self, positions: Tensor) -> ImageView:
        """Return a view of the rows at ``positions`` of this one."""
        return ImageView(self._images, self._rows[positions])


@dataclass(frozen=True)
class ImageShape:
    """Sizes a model takes from the data.

    Attributes:
        channels: 1 or 3.
        height: pixels.
        width: pixels.
        classes: number of classes, of tagged images the background among them; 0 if the images have none.
    """

    channels: int
    height: int
    width: int
    classes: int

    @property
    def entries(self) -> int:
        """Numbers in an image."""
        return self.channels * self.height * self.width


class StoredImages:
    """All images of a data set on the run's device, held once, as bytes.

    Args:
        images: (N, C, H, W) uint8.
        device: where they live.
    """

    def __init__(self, images: NDArray[np.uint8], device: torch.device) -> None:
        self._images = torch.from_numpy(images).to(device)

    @property
    def size(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        channels, height, width = self._images.shape[1:]
        return channels, height, width

    def shape(self, classes: int) -> ImageShape:
        """Return the sizes a model takes from them; ``classes`` as in `ImageShape`."""
        return ImageShape(*self.size, classes)

    def view(self, rows: Rows) -> ImageView:
        """Return a view of these rows."""
        return ImageView(self._images, on_device(rows, self._images.device))


@dataclass(frozen=True)
class LabelledImages:
    """Images with what is known of them.

    Attributes:
        images: n images.
        labels: (n,) int64 class ids; `UNLABELLED` where there is none.
        factors: (n, F) int64 values of the factors they were made from; None if they were not.
    """

    images: ImageView
    labels: Tensor
    factors: Tensor | None = None

    def __len__(self) -> int:
        return len(self.images)

    def spread(self, count: int) -> LabelledImages:
        """Return so many of them, or all if there are fewer, at even distances: their order may be that of classes."""
        positions = torch.from_numpy(spread(len(self), count)).to(self.labels.device)
        factors = None if self.factors is None else self.factors[positions]
        return LabelledImages(self.images.part(positions), self.labels[positions], factors)


@dataclass(frozen=True)
class ImageTrainingSet:
    """What training may see.

    Attributes:
        images: n images.
        labels: (n,) int64; `UNLABELLED` for those whose label training may not see.
        shape: the sizes a model takes from them.
    """

    images: ImageView
    labels: Tensor
    shape: ImageShape

    @property
    def labelled(self) -> Tensor:
        """Positions (int64) of the images whose label training may see."""
        return (self.labels != UNLABELLED).nonzero().flatten()

    def limited(self, rows: int) -> ImageTrainingSet:
        """Return the same with so many images, half of them labelled if there are enough with and without a label."""
        labelled = self.labelled
        plain = (self.labels == UNLABELLED).nonzero().flatten()
        known = min(len(labelled), max(1, rows // 2, rows - len(plain)))
        chosen = [part[spread(len(part), n)] for part, n in ((labelled, known), (plain, rows - known)) if len(part)]
        positions = torch.cat(chosen).sort().values
        return replace(self, images=self.images.part(positions), labels=self.labels[positions])


@dataclass(frozen=True)
class ImageEvaluationSet:
    """Images that only an evaluator reads.

    Attributes:
        name: ``val`` or ``test``; prefix of the metrics.
        rows: the images to measure on, with their labels.
        training: the training images with all their labels, to fit on what is then scored on ``rows``: which class a
            cluster stands for, a probe of the latent code. Never for a decision that ``rows`` measure.
        validation: the validation images with their labels, for the same purpose.
        shape: sizes of the images.
        class_names: K names.
        factor_names: names of the columns of ``factors``.
    """

    name: str
    rows: LabelledImages
    training: LabelledImages
    validation: LabelledImages
    shape: ImageShape
    class_names: tuple[str, ...]
    factor_names: tuple[str, ...]


ImageFold = Fold[ImageTrainingSet, ImageEvaluationSet]


class ImageStages(OneStage[ImageTrainingSet, ImageEvaluationSet]):
    """Cuts the one stage of a data set with training, validation and test images.

    Args:
        records: the images; they are held once, as bytes.
        device: where they live.
    """

    def __init__(self, records: ImageRecords, device: torch.device) -> None:
        self._records = records
        self._device = device
        self._images = StoredImages(records.images, device)
        labels = np.full(len(records.images), UNLABELLED) if records.labels is None else records.labels
        self._labels = labels
        self._shape = self._images.shape(len(records.class_names))

    def fold(self, evaluated: str) -> ImageFold:
        """Return the training rows and the rows of one split; see `OneStage.fold`."""
        records, splits = self._records, self._records.splits()
        visible = np.where(np.isin(records.train, records.labelled), self._labels[records.train], UNLABELLED)
        training = ImageTrainingSet(self._images.view(records.train), on_device(visible, self._device), self._shape)
        evaluation = ImageEvaluationSet(
            name=evaluated,
            rows=self._known(splits[evaluated]),
            training=self._known(records.train),
            validation=self._known(records.validation),
            shape=self._shape,
            class_names=records.class_names,
            factor_names=records.factor_names,
        )
        return ImageFold(training, evaluation)

    def _known(self, rows: Rows) -> LabelledImages:
        factors = None if self._records.factors is None else on_device(self._records.factors[rows], self._device)
        return LabelledImages(self._images.view(rows), on_device(self._labels[rows], self._device), factors)


def image_folds(records: Records, conf: DatasetConf, trainer: TrainerConf, device: torch.device) -> ImageStages:
    """Return what cuts the folds of images of classes."""
    assert isinstance(records, ImageRecords)
    return ImageStages(records, device)
