"""The class that an evaluator finds at each pixel of images."""

from __future__ import annotations

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
