"""What trainers and evaluators may ask of a model that maps where an image shows its classes."""

from __future__ import annotations

from abc import abstractmethod
from typing import NamedTuple

from torch import Tensor

from zsl_runner.models.base import Model
from zsl_runner.objectives.class_maps import cleaned_maps
from zsl_runner.objectives.pixel_correlation import affinity, refined_maps


class PixelMaps(NamedTuple):
    """What a model says of the pixels of a batch, on its own grid of h x w.

    Attributes:
        logits: (B, K, h, w) class activation maps, the background's first; their means are logits of the tags.
        projected: (B, P, h, w) non-negative features to be compared with prototypes.
        correlated: (B, D, h, w) features whose cosines say which pixels belong together.
        tagged: whether only maps of tagged classes are spread.
        power: of the cosines.
    """

    logits: Tensor
    projected: Tensor
    correlated: Tensor
    tagged: bool = False
    power: float = 1.0

    def refined(self, tags: Tensor, shares: Tensor | None = None) -> Tensor:
        """Return the (B, K, h, w) maps spread by the correlation module; only its features have a gradient.

        Args:
            tags: (B, K - 1) of 0 and 1 (or bool), the classes that images show as far as one may know.
            shares: what `affinity` returns, for those who have it already.
        """
        cleaned = cleaned_maps(self.logits, tags=tags if self.tagged else None)
        return refined_maps(cleaned, self.affinity() if shares is None else shares)

    def affinity(self) -> Tensor:
        """Return (B, N, N) how much each of the N = h w pixels hands to each other one, row by row."""
        return affinity(self.correlated, power=self.power)


class ClassMapper(Model):
    """Capability ``class_maps``. Parameter groups are ``backbone`` and, of all layers that are new to it, ``heads``."""

    @abstractmethod
    def maps(self, x: Tensor) -> PixelMaps:
        """Return the maps of images (B, C, H, W) of any size that is not below the stride, in single precision."""
        raise TypeError(f"{type(self).__name__} maps no classes")

    @abstractmethod
    def map_side(self, side: int) -> int:
        """Return the side of the maps of images of a side, in pixels; 0 for a side below the stride."""
        raise TypeError(f"{type(self).__name__} maps no classes")
