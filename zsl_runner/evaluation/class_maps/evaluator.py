"""Intersection over union of class maps, and accuracy of the tags."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from zsl_runner.data.pairs.segmentation.records import VOID
from zsl_runner.data.tagged.folds import TaggedEvaluationSet, TaggedFold, TaggedTrainingSet
from zsl_runner.evaluation.base import Draw, Evaluator, Measurement
from zsl_runner.evaluation.class_maps.conf import BY_MAPS, MAPS, ClassMapsEvaluatorConf
from zsl_runner.evaluation.class_maps.counts import (
    all_background,
    class_ious,
    precisions,
    recalls,
    threshold_confusions,
)
from zsl_runner.evaluation.class_maps.figures import class_map_figures
from zsl_runner.evaluation.class_maps.seeds import seeds
from zsl_runner.evaluation.image_outputs import LabelMaps
from zsl_runner.models.base import Model
from zsl_runner.models.class_mapping import ClassMapper
from zsl_runner.models.networks import evaluating
from zsl_runner.objectives.class_maps import pseudo_masks

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OF_TRAINING = "threshold_refined_true_tags"
"""Choice of the threshold that is best if the tags of images are known, as those of training images are."""
NO_MASKS = "no image of the set has a mask"
NO_CHOICE = (
    "No threshold was chosen, for no validation image has a mask: of the metrics of masks only those at "
    "evaluator.threshold are measured."
)

NO_TAGS = (
    "The model finds no tag in any image of the set, so every pixel is background whatever the threshold, and nothing "
    "is known of the maps. Train it longer, or with another learning rate."
)


@dataclass
class MapCounts:
    """What is counted of one kind of maps, over a set of images.

    Attributes:
        confusion: (T, K, K) counts of the whole set, one matrix for each threshold.
        image_ious: (T,) sums over images of their mean intersections over unions.
        images: how many images these sums are of.
    """

    confusion: Tensor
    image_ious: Tensor
    images: int = 0

    @classmethod
    def empty(cls, thresholds: int, classes: int, device: torch.device) -> MapCounts:
        """Return counts of nothing."""
        confusion = torch.zeros(thresholds, classes, classes, dtype=torch.int64, device=device)
        return cls(confusion, torch.zeros(thresholds, dtype=torch.float64, device=device))

    def add(self, confusions: Tensor) -> None:
        """Count images by their (B, T, K, K) confusions; one without a pixel that counts is left out of means."""
        known = confusions[:, 0].sum((1, 2)) > 0
        self.confusion += confusions.sum(0)
        self.image_ious += class_ious(confusions[known]).nanmean(-1).sum(0)
        self.images += int(known.sum())

    def ious(self) -> Tensor:
        """Return (T,) mean intersections over unions of the classes that are true or found."""
        return class_ious(self.confusion).nanmean(-1)


@dataclass(frozen=True)
class ClassMapDetails:
    """What figures and oracle metrics need.

    Attributes:
        thresholds: (T,) that were tried.
        counts: by kind of maps, gated by the tags the model finds.
        true_tags: the same, gated by the tags the images have.
        chosen: threshold in use, by kind of maps.
    """

    thresholds: Tensor
    counts: Mapping[str, MapCounts]
    true_tags: Mapping[str, MapCounts]
    chosen: Mapping[str, float]


class ClassMapsEvaluator(Evaluator[TaggedTrainingSet, TaggedEvaluationSet, ClassMapDetails | None]):
    """Metrics of label maps in per cent; a class is shown where its map is the most confident one above a threshold.

    Only classes take part whose tag the model finds in the image. Metrics are of one confusion matrix of the whole set,
    but for ``mIoU_images``, a mean over images.

    Args:
        conf: the evaluator's options.
        seed: the run's seed; this protocol draws nothing.
    """

    conf: ClassMapsEvaluatorConf

    def measure(
        self, model: Model, fold: TaggedFold, choices: Mapping[str, float]
    ) -> Measurement[ClassMapDetails | None]:
        """Return metrics of plain and refined maps and of tags; on validation images also the best thresholds."""
        if not isinstance(model, ClassMapper):
            raise TypeError(f"{type(model).__name__} maps no classes")
        data = fold.evaluation
        thresholds = self.thresholds().to(data.tags.device)
        sizes = len(thresholds), data.shape.classes, data.tags.device
        counts = {name: MapCounts.empty(*sizes) for name in MAPS}
        true_tags = {name: MapCounts.empty(*sizes) for name in MAPS}
        right = torch.zeros_like(data.tags, dtype=torch.bool)
        finds_tags = torch.zeros((), dtype=torch.bool, device=data.tags.device)
        with evaluating(model), torch.no_grad():
            for positions, x in data.images.blocks(self.conf.batch_size):
                found = seeds(model, x, self.conf.scales, self.conf.mirrored)
                tags = data.tags[positions] > 0
                right[positions] = found.tags == tags
                finds_tags |= found.tags.any()
                if data.masks is None:
                    continue
                mask = data.masks[positions].long().flatten(1)
                valid = mask != VOID
                truth = mask.masked_fill(~valid, 0)
                for among, gate in ((counts, found.tags), (true_tags, tags)):
                    for name, scores in found.among(gate).items():
                        best = scores.flatten(2).max(1)
                        among[name].add(
                            threshold_confusions(best.values, best.indices + 1, truth, valid, thresholds, sizes[1])
                        )
        metrics = {
            "tag_accuracy": 100 * float(right.float().mean()),
            "tag_exact_match": 100 * float(right.all(1).float().mean()),
        }
        if data.masks is None:
            nothing = {f"{metric}_{name}": float("nan") for name in MAPS for metric in BY_MAPS}
            return Measurement(
                {f"{data.name}/{name}": value for name, value in (metrics | nothing).items()},
                undefined={f"{data.name}/{name}": NO_MASKS for name in nothing},
            )
        chosen: dict[str, float] = {}
        for name, found_counts in counts.items():
            key = f"threshold_{name}"
            if key in choices:
                chosen[name] = choices[key]
            elif data.name == "val":
                chosen[name] = float(thresholds[found_counts.ious().argmax()])
            metrics |= self._metrics(name, found_counts, thresholds, chosen.get(name))
        metrics["mIoU_all_background"] = _percent(class_ious(all_background(counts["plain"].confusion[0])))
        made: dict[str, float] = {}
        if data.name == "val":
            made = {f"threshold_{name}": value for name, value in chosen.items()}
            made[OF_TRAINING] = float(thresholds[true_tags["refined"].ious().argmax()])
        details = ClassMapDetails(thresholds, counts, true_tags, chosen)
        return Measurement(
            {f"{data.name}/{name}": value for name, value in metrics.items()},
            made,
            details,
            notes=self._doubts(chosen, thresholds) if finds_tags else [NO_TAGS],
        )

    def _doubts(self, chosen: Mapping[str, float], thresholds: Tensor) -> list[str]:
        """Return that no threshold was chosen, or which one is at an end of those tried."""
        notes = [] if chosen else [NO_CHOICE]
        for name, value in chosen.items():
            place, last = _place(thresholds, value), len(thresholds) - 1
            end = {0: "smallest", last: "largest"}.get(place)
            if end is None or self.conf.threshold_count == 1 or not 0 < value < 1:
                continue
            notes.append(
                f"The threshold of {name} maps is the {end} that was tried on validation images, {value:g}; a better "
                "one may lie beyond it. Widen evaluator.thresholds."
            )
        return notes

    def label_maps(
        self, model: Model, fold: TaggedFold, choices: Mapping[str, float], *, of_training: bool = False
    ) -> Iterator[LabelMaps]:
        """Yield masks of refined maps above the threshold that is best on validation images, or else the fixed one.

        In training images the tags they have take part, elsewhere those the model finds; so they do where the threshold
        is chosen.
        """
        assert isinstance(model, ClassMapper)
        data = fold.train if of_training else fold.evaluation
        threshold = choices.get(OF_TRAINING if of_training else "threshold_refined", self.conf.threshold)
        with evaluating(model), torch.no_grad():
            for positions, x in data.images.blocks(self.conf.batch_size):
                found = seeds(model, x, self.conf.scales, self.conf.mirrored)
                tags = data.tags[positions] > 0 if of_training else found.tags
                labels = pseudo_masks(found.among(tags)["refined"], tags, threshold)
                yield LabelMaps(data.images.rows[positions], labels.to(torch.uint8))

    def thresholds(self) -> Tensor:
        """Return the thresholds that are tried, ascending, the fixed one among them."""
        low, high = self.conf.thresholds
        tried = np.linspace(low, high, self.conf.threshold_count).round(6)
        return torch.from_numpy(np.unique([*tried, self.conf.threshold]).astype(np.float32))

    def oracle(self, measurement: Measurement[ClassMapDetails | None]) -> dict[str, float]:
        """Return mean intersections over unions with true tags, and at the threshold best on the measured set itself.

        ``oracle/mIoU_<maps>_true_tags`` and, at the fixed threshold, ``..._true_tags_fixed``: only the classes an image
        is tagged with take part, as in published figures. ``oracle/mIoU_<maps>_best`` has no true tags.
        """
        details = measurement.details
        if details is None:
            return {}
        fixed = _place(details.thresholds, self.conf.threshold)
        found = {}
        for name in MAPS:
            true_tags = details.true_tags[name].ious()
            found[f"oracle/mIoU_{name}_true_tags"] = 100 * float(true_tags.max())
            found[f"oracle/mIoU_{name}_true_tags_fixed"] = 100 * float(true_tags[fixed])
            found[f"oracle/mIoU_{name}_best"] = 100 * float(details.counts[name].ious().max())
        return found

    def figures(
        self,
        model: Model,
        data: TaggedEvaluationSet,
        measurement: Measurement[ClassMapDetails | None],
        shown: Mapping[str, Tensor],
    ) -> Iterator[tuple[str, Draw]]:
        """Yield images with their maps and masks, cosines of prototypes, and the metric against the threshold."""
        assert isinstance(model, ClassMapper)
        chosen = {} if measurement.details is None else measurement.details.chosen
        thresholds = {name: chosen.get(name, self.conf.threshold) for name in MAPS}
        yield from class_map_figures(model, data, self.conf, thresholds)
        if measurement.details is not None:
            yield "thresholds", partial(_curves, measurement.details)

    def _metrics(self, name: str, counts: MapCounts, thresholds: Tensor, chosen: float | None) -> dict[str, float]:
        found = {f"mIoU_fixed_{name}": 100 * float(counts.ious()[_place(thresholds, self.conf.threshold)])}
        if chosen is None:
            return found
        place = _place(thresholds, chosen)
        confusion = counts.confusion[place]
        ious = class_ious(confusion)
        return found | {
            f"mIoU_{name}": _percent(ious),
            f"mIoU_images_{name}": 100 * float(counts.image_ious[place]) / counts.images,
            f"foreground_IoU_{name}": _percent(ious[1:]),
            f"background_IoU_{name}": _percent(ious[:1]),
            f"precision_{name}": _percent(precisions(confusion)[1:]),
            f"recall_{name}": _percent(recalls(confusion)[1:]),
        }


def _curves(details: ClassMapDetails) -> Figure:
    from zsl_runner.tracking.figures.class_maps import threshold_curves

    curves = {name: 100 * counts.ious().cpu().numpy() for name, counts in details.counts.items()}
    baseline = _percent(class_ious(all_background(details.counts["plain"].confusion[0])))
    return threshold_curves(details.thresholds.cpu().numpy(), curves, details.chosen, baseline)


def _percent(values: Tensor) -> float:
    """Return the mean in per cent of the values that are defined, 0 if none is: nothing found is nothing right."""
    defined = values[~values.isnan()]
    return 100 * float(defined.mean()) if len(defined) else 0.0


def _place(thresholds: Tensor, wanted: float) -> int:
    """Return the position of a threshold."""
    return int((thresholds - wanted).abs().argmin())
