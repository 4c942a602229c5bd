"""Which figures the protocol of class maps draws at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_runner.data.pairs.segmentation.records import colour_map
from zsl_runner.data.tagged.folds import TaggedEvaluationSet
from zsl_runner.evaluation.base import Draw
from zsl_runner.evaluation.class_maps.conf import ClassMapsEvaluatorConf
from zsl_runner.evaluation.class_maps.pixels import labelled_pixels, received
from zsl_runner.evaluation.class_maps.seeds import seeds
from zsl_runner.models.class_mapping import ClassMapper
from zsl_runner.models.networks import evaluating
from zsl_runner.objectives.class_maps import confidences, pseudo_masks
from zsl_runner.objectives.prototypes import pixel_weights, prototypes

ROWS = 10
PROTOTYPE_IMAGES = 64
PROTOTYPE_SHARE = 8
"""A prototype is made of as many pixels as one image's map has, divided by this."""


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
    from zsl_runner.tracking.figures.segmentation import picture_columns

    yield "class_maps", lambda: picture_columns(columns(model, data, conf, thresholds), "Class maps of test images")
    yield "affinity", lambda: picture_columns(received(model, data, ROWS), "What a pixel's refined maps are made of")
    yield "prototypes", lambda: prototype_similarity(similarity(model, data), data.class_names)
    if data.masks is not None:
        colours = colour_map(np.arange(data.shape.classes, dtype=np.uint8)[:, None])[:, 0] / 255
        drawn = partial(labelled_pixels, model, data, PROTOTYPE_IMAGES)
        yield "pixels", lambda: pixel_scatter(*drawn(), data.class_names, colours)


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
        pictures[f"{name} mask"] = _coloured(pseudo_masks(scores, found.tags, thresholds[name]))
    tags = data.tags[positions] > 0
    tagged = pseudo_masks(found.among(tags)["refined"], tags, thresholds["refined"])
    pictures["refined, true tags"] = _coloured(tagged)
    return pictures


def _coloured(labels: Tensor) -> NDArray[Any]:
    return colour_map(labels.cpu().numpy().astype(np.uint8))
