"""What a model says of images and makes of codes: label maps, codes, samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class LabelMaps:
    """Label maps of a block of images.

    Attributes:
        rows: (n,) int64 rows of the images in the data set, from 0.
        labels: (n, H, W) uint8 class of each pixel, in the order of the data set's class names.
    """

    rows: Tensor
    labels: Tensor


@dataclass(frozen=True)
class Codes:
    """Codes of n images.

    Attributes:
        rows: (n,) int64 rows of the images in the data set, from 0.
        labels: (n,) int64 their classes; -1 where nobody knows.
        values: parts of the codes by name, each (n, ...).
    """

    rows: Tensor
    labels: Tensor
    values: Mapping[str, Tensor]


@dataclass(frozen=True)
class Samples:
    """A block of generated images.

    Attributes:
        label: number of the class they were made for; None if the model is not told classes.
        images: (n, C, H, W); grey values in 0..1, beyond which a decoder without a bound may go.
    """

    label: int | None
    images: Tensor
