"""Maps at the size of the images, over scales and mirror images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from zsl_runner.models.class_mapping import ClassMapper
from zsl_runner.models.networks import finite
from zsl_runner.objectives.class_maps import confidences, resized


class Seeds(NamedTuple):
    """What a model maps on images.

    Attributes:
        maps: ``plain`` and ``refined`` confidences (B, K - 1, H, W) of the foreground.
        tags: (B, K - 1) bool, the classes whose logits are positive in the mean over scales.
    """

    maps: dict[str, Tensor]
    tags: Tensor


def seeds(model: ClassMapper, x: Tensor, scales: Sequence[float], mirrored: bool) -> Seeds:
    """Return the maps of images (B, C, H, W), summed over their sizes and, if wanted, mirror images.

    Raises:
        NonFiniteError: the model has diverged.
    """
    size = (x.shape[-2], x.shape[-1])
    plain: list[Tensor] = []
    refined: list[Tensor] = []
    logits: list[Tensor] = []
    for scale in scales:
        small = (max(1, round(size[0] * scale)), max(1, round(size[1] * scale)))
        scaled = resized(x, small, aligned=False)
        for flipped in (False, True) if mirrored else (False,):
            maps = model.maps(scaled.flip(-1) if flipped else scaled)
            logits.append(maps.logits[:, 1:].mean((2, 3)))
            for found, one in ((plain, maps.logits), (refined, maps.refined())):
                laid = resized(one[:, 1:], size, aligned=False)
                found.append(laid.flip(-1) if flipped else laid)
    sums = {name: torch.stack(found).sum(0) for name, found in (("plain", plain), ("refined", refined))}
    confident = {name: confidences(finite(f"{name} class maps", found)) for name, found in sums.items()}
    return Seeds(confident, finite("logits of tags", torch.stack(logits).mean(0)) > 0)
