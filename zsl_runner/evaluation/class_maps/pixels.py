"""What single pixels say in figures: where projected ones lie, and from which ones a chosen one receives its maps."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.data.pairs.segmentation.records import VOID, colour_map
from zsl_runner.data.tagged.folds import TaggedEvaluationSet
from zsl_runner.models.class_mapping import ClassMapper
from zsl_runner.models.networks import evaluating
from zsl_runner.objectives.class_maps import SPACE, confidences, resized
from zsl_runner.objectives.normalisation import l2_normalised, max_normalised

MARK = (1.0, 0.1, 0.1)
"""Colour of a chosen pixel."""


@torch.no_grad()
def labelled_pixels(
    model: ClassMapper, data: TaggedEvaluationSet, images: int
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return (n, P) projected pixels of the first images, of length 1, and the (n,) true classes at their centres."""
    assert data.masks is not None
    positions = torch.arange(min(images, len(data.images)), device=data.tags.device)
    with evaluating(model):
        projected = model.maps(data.images.take(positions)).projected
    grid = (projected.shape[-2], projected.shape[-1])
    truth = F.interpolate(data.masks[positions][:, None].float(), grid, mode="nearest-exact").long().flatten()
    vectors = l2_normalised(projected, 1).permute(0, 2, 3, 1).flatten(0, 2)
    known = truth != VOID
    return vectors[known].float().cpu().numpy(), truth[known].cpu().numpy()


@torch.no_grad()
def received(model: ClassMapper, data: TaggedEvaluationSet, images: int) -> dict[str, NDArray[Any]]:
    """Return pictures by title: images with a chosen pixel, and how much it receives from each other one.

    The pixel is the one at which the refined map of an image's first tag is largest. Shares are those of the affinity,
    over the largest that another pixel hands over; its own is left out.
    """
    positions = torch.arange(min(images, len(data.images)), device=data.tags.device)
    x, tags = data.images.take(positions), data.tags[positions]
    with evaluating(model):
        maps = model.maps(x)
    grid, size = (maps.logits.shape[-2], maps.logits.shape[-1]), (x.shape[-2], x.shape[-1])
    first, rows = tags.argmax(1), torch.arange(len(x), device=x.device)
    affinity = maps.affinity()
    chosen = confidences(maps.refined(tags, affinity)[:, 1:])[rows, first].flatten(1).argmax(1)
    cell = F.one_hot(chosen, grid[0] * grid[1]).reshape(len(x), 1, *grid).to(x.dtype)
    shares = affinity[rows, :, chosen].reshape(len(x), 1, *grid) * (1 - cell)
    pictures: dict[str, NDArray[Any]] = {"chosen pixel": _marked(x, F.interpolate(cell, size, mode="nearest-exact"))}
    if data.masks is not None:
        pictures["truth"] = colour_map(data.masks[positions].cpu().numpy())
    pictures["receives from"] = max_normalised(resized(shares, size, aligned=False), SPACE, 1e-12)[:, 0].cpu().numpy()
    return pictures


def _marked(x: Tensor, where: Tensor) -> NDArray[Any]:
    colour = torch.tensor(MARK, dtype=x.dtype, device=x.device)[:, None, None]
    return torch.where(where > 0, colour, x.expand(-1, 3, -1, -1)).permute(0, 2, 3, 1).cpu().numpy()
