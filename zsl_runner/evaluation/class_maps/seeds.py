"""Maps at the size of the images, over scales and mirror images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from zsl_runner.models.class_mapping import ClassMapper, PixelMaps
from zsl_runner.models.networks import finite
from zsl_runner.objectives.class_maps import confidences, resized


class Seeds(NamedTuple):
    """What a model maps on images.

    Attributes:
        maps: of each scale and, if wanted, its mirror image.
        flipped: which of them are of mirror images.
        size: height and width of the images.
        tags: (B, K - 1) bool, the classes whose logits are positive in the mean over scales.
    """

    maps: list[PixelMaps]
    flipped: list[bool]
    size: tuple[int, int]
    tags: Tensor

    def among(self, tags: Tensor) -> dict[str, Tensor]:
        """Return ``plain`` and ``refined`` confidences (B, K - 1, H, W) of the foreground, zero but for ``tags``.

        Args:
            tags: (B, K - 1) bool, the classes that take part.

        Raises:
            NonFiniteError: the model has diverged.
        """
        found = {
            "plain": self._summed([maps.logits for maps in self.maps]),
            "refined": self._summed([maps.refined(tags) for maps in self.maps]),
        }
        return {
            name: confidences(finite(f"{name} class maps", maps)) * tags[:, :, None, None]
            for name, maps in found.items()
        }

    def _summed(self, maps: Sequence[Tensor]) -> Tensor:
        laid = (resized(one[:, 1:], self.size, aligned=False) for one in maps)
        turned = [one.flip(-1) if flipped else one for one, flipped in zip(laid, self.flipped, strict=True)]
        return torch.stack(turned).sum(0)


def seeds(model: ClassMapper, x: Tensor, scales: Sequence[float], mirrored: bool) -> Seeds:
    """Return the maps of images (B, C, H, W), of all their sizes and, if wanted, mirror images.

    Raises:
        NonFiniteError: the model has diverged.
    """
    size = (x.shape[-2], x.shape[-1])
    maps: list[PixelMaps] = []
    sides = (False, True) if mirrored else (False,)
    for scale in scales:
        small = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
        scaled = resized(x, small, aligned=False)
        maps += [model.maps(scaled.flip(-1) if flipped else scaled) for flipped in sides]
    logits = torch.stack([found.logits[:, 1:].mean((2, 3)) for found in maps]).mean(0)
    return Seeds(maps, list(sides) * len(scales), size, finite("logits of tags", logits) > 0)
