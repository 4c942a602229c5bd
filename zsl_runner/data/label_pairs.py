"""Images of classes as pairs: the label, one-hot, is the input, the pixels are the output."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import one_hot

from zsl_runner.data.labelled_images.folds import ImageShape, ImageView, LabelledImages
from zsl_runner.data.pairs import Pair, PairShape, PairView


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
