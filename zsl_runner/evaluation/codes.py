"""Codes of images, by rows of the data set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor


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
