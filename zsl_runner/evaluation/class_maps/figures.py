"""Which figures the protocol of class maps draws at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_runner.data.segmentation.records import colour_map
from zsl_runner.data.tagged.folds import TaggedEvaluationSet
from zsl_runner.evaluation.base import Draw
from zsl_runner.evaluation.class_maps.conf import MAPS, ClassMapsEvaluatorConf
from zsl_runner.evaluation.class_maps.seeds import seeds
from zsl_runner.models.class_mapping import ClassMapper
from zsl_runner.models.networks import evaluating
from zsl_runner.objectives.class_maps import pseudo_masks

ROWS = 10


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
    from zsl_runner.tracking.figures.segmentation import picture_columns

    yield "class_maps", lambda: picture_columns(columns(model, data, conf, thresholds), "Class maps of test images")


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
    for name in MAPS:
        gated = found.maps[name] * found.tags[:, :, None, None]
        pictures[f"{name} map"] = gated.amax(1).cpu().numpy()
        pictures[f"{name} mask"] = _coloured(pseudo_masks(found.maps[name], found.tags, thresholds[name]))
    tagged = pseudo_masks(found.maps["refined"], data.tags[positions], thresholds["refined"])
    pictures["refined, true tags"] = _coloured(tagged)
    return pictures


def _coloured(labels: Tensor) -> NDArray[Any]:
    return colour_map(labels.cpu().numpy().astype(np.uint8))
