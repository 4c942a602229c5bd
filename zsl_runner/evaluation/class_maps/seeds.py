"""Maps at the size of the images, over scales and mirror images."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor

from zsl_runner.errors import ConfigError
from zsl_runner.evaluation.class_maps.conf import scaled_side
from zsl_runner.models.class_mapping import ClassMapper, PixelMaps
from zsl_runner.models.networks import finite
from zsl_runner.objectives.class_maps import confidences, resized


@dataclass
class Seeds:
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
        spread = [maps.refined(tags, shares) for maps, shares in zip(self.maps, self._shares, strict=True)]
        found = {"plain": self._plain, "refined": self._confident("refined", spread)}
        return {name: maps * tags[:, :, None, None] for name, maps in found.items()}

    @cached_property
    def _plain(self) -> Tensor:
        return self._confident("plain", [maps.logits for maps in self.maps])

    @cached_property
    def _shares(self) -> list[Tensor]:
        return [maps.affinity() for maps in self.maps]

    def _confident(self, name: str, maps: Sequence[Tensor]) -> Tensor:
        laid = (resized(one[:, 1:], self.size, aligned=False) for one in maps)
        turned = [one.flip(-1) if flipped else one for one, flipped in zip(laid, self.flipped, strict=True)]
        return confidences(finite(f"{name} class maps", torch.stack(turned).sum(0)))


def seeds(model: ClassMapper, x: Tensor, scales: Sequence[float], mirrored: bool) -> Seeds:
    """Return the maps of images (B, C, H, W), of all their sizes and, if wanted, mirror images.

    Raises:
        ConfigError: an image is smaller than the network's stride at one of the sizes.
        NonFiniteError: the model has diverged.
    """
    size = (x.shape[-2], x.shape[-1])
    maps: list[PixelMaps] = []
    sides = (False, True) if mirrored else (False,)
    for scale in scales:
        small = (scaled_side(size[0], scale), scaled_side(size[1], scale))
        if model.map_side(min(small)) < 1:
            raise ConfigError(
                f"evaluator.scales: {scale:g} makes images of {size[1]} x {size[0]} pixels smaller than the network's "
                "stride; use a larger one"
            )
        scaled = resized(x, small, aligned=False)
        maps += [model.maps(scaled.flip(-1) if flipped else scaled) for flipped in sides]
    logits = torch.stack([found.logits[:, 1:].mean((2, 3)) for found in maps]).mean(0)
    return Seeds(maps, list(sides) * len(scales), size, finite("logits of tags", logits) > 0)
