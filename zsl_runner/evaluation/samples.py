"""Images that a model makes of codes drawn from its prior."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Samples:
    """A block of generated images.

    Attributes:
        label: number of the class they were made for; None if the model is not told classes.
        images: (n, C, H, W); grey values in 0..1, beyond which a decoder without a bound may go.
    """

    label: int | None
    images: Tensor
