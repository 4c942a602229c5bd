"""Which figures the protocol of class maps draws at the end of a run, and what single pixels say in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.data.pairs.segmentation.records import VOID, colour_map
from zsl_runner.data.tagged.folds import TaggedEvaluationSet
from zsl_runner.evaluation.base import Draw
from zsl_runner.evaluation.class_maps.conf import ClassMapsEvaluatorConf
from zsl_runner.evaluation.class_maps.seeds import seeds
from zsl_runner.models.class_mapping import ClassMapper
from zsl_runner.models.networks import evaluating
from zsl_runner.objectives.class_maps import SPACE, confidences, pseudo_masks, resized
from zsl_runner.objectives.normalisation import l2_normalised, max_normalised
from zsl_runner.objectives.prototypes import pixel_weights, prototypes

ROWS = 10
MOST_TAGS, NAME_LENGTH = 5, 12
"""Tags beside a picture, and letters of each."""
PROTOTYPE_IMAGES = 64
PROTOTYPE_SHARE = 8
"""A prototype is made of as many pixels as one image's map has, divided by this."""
MARK = (1.0, 0.1, 0.1)
"""Colour of a chosen pixel."""


def class_map_figures(
    model: ClassMapper, data: TaggedEvaluationSet, conf: ClassMapsEvaluatorConf, thresholds: Mapping[str, float]
) -> Iterator[tuple[str, Draw]]:
    """Yield (name, what draws it).

    Args:
        model: the trained model.
        data: the first images are shown.
        conf: the evaluator's options.
        thresholds: confidence of the background, by kind of maps.
    """
    from zsl_runner.tracking.figures.class_maps import pixel_scatter, prototype_similarity
    from zsl_runner.tracking.figures.sheets import picture_columns
    from zsl_runner.tracking.figures.style import shorts

    colours = colour_map(np.arange(data.shape.classes, dtype=np.uint8)[:, None])[:, 0] / 255
    key = dict(zip(shorts(data.class_names), colours, strict=True))
    yield (
        "class_maps",
        lambda: picture_columns(
            columns(model, data, conf, thresholds),
            "Class maps of test images and their tags; black maps where the model finds no tag",
            shown_tags(data),
            key,
        ),
    )
    yield (
        "affinity",
        lambda: picture_columns(
            received(model, data, ROWS),
            "What a pixel's refined maps are made of",
            [names.partition("\n")[0] for names in shown_tags(data)],
            key if data.masks is not None else None,
        ),
    )
    yield "prototypes", lambda: prototype_similarity(similarity(model, data), data.class_names)
    if data.masks is not None:
        drawn = partial(labelled_pixels, model, data, PROTOTYPE_IMAGES)
        yield "pixels", lambda: pixel_scatter(*drawn(), data.class_names, colours)


def shown_tags(data: TaggedEvaluationSet) -> list[str]:
    """Return the tags of the images that are shown, one below the other; of many the first ones."""
    from zsl_runner.tracking.figures.style import shorts

    names = shorts(data.class_names[1:], NAME_LENGTH)
    shown = []
    for row in data.tags[:ROWS].cpu().numpy() > 0:
        found = [name for name, there in zip(names, row, strict=True) if there]
        shown.append("\n".join(found[:MOST_TAGS] + ["…"] * (len(found) > MOST_TAGS)))
    return shown


@torch.no_grad()
def similarity(model: ClassMapper, data: TaggedEvaluationSet) -> NDArray[Any]:
    """Return (K, K) cosines of the prototypes that some images and their tags give; NaN for a class without one."""
    positions = torch.arange(min(PROTOTYPE_IMAGES, len(data.images)), device=data.tags.device)
    with evaluating(model):
        maps = model.maps(data.images.take(positions))
    weights = pixel_weights(confidences(maps.refined(data.tags[positions])[:, 1:]), data.tags[positions])
    count = max(1, maps.logits.shape[-2] * maps.logits.shape[-1] // PROTOTYPE_SHARE)
    found = prototypes(maps.projected, weights, count)
    cosines = found.vectors @ found.vectors.T
    known = found.valid[:, None] & found.valid
    return cosines.masked_fill(~known, torch.nan).cpu().numpy()


@torch.no_grad()
def columns(
    model: ClassMapper, data: TaggedEvaluationSet, conf: ClassMapsEvaluatorConf, thresholds: Mapping[str, float]
) -> dict[str, NDArray[Any]]:
    """Return pictures by title: image, truth, and of plain and refined maps confidences, and masks."""
    positions = torch.arange(min(ROWS, len(data.images)), device=data.tags.device)
    x = data.images.take(positions)
    with evaluating(model):
        found = seeds(model, x, conf.scales, conf.mirrored)
    pictures: dict[str, NDArray[Any]] = {"image": x.expand(-1, 3, -1, -1).permute(0, 2, 3, 1).cpu().numpy()}
    if data.masks is not None:
        pictures["truth"] = colour_map(data.masks[positions].cpu().numpy())
    for name, scores in found.among(found.tags).items():
        pictures[f"{name} map"] = scores.amax(1).cpu().numpy()
        pictures[f"{name} mask"] = colour_map(pseudo_masks(scores, found.tags, thresholds[name]).cpu().numpy())
    tags = data.tags[positions] > 0
    tagged = pseudo_masks(found.among(tags)["refined"], tags, thresholds["refined"])
    pictures["refined, true tags"] = colour_map(tagged.cpu().numpy())
    return pictures


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
