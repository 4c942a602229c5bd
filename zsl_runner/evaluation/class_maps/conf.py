"""Options of the protocol of class maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.quantities import Quantity
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision
from zsl_runner.data.tagged.options import TaggedConf
from zsl_runner.evaluation.one_stage_conf import OneStageEvaluatorConf
from zsl_runner.models.class_mapping_conf import ClassMapperConf

MAPS: Final = ("plain", "refined")
BY_MAPS: Final = (
    "mIoU",
    "mIoU_fixed",
    "mIoU_images",
    "foreground_IoU",
    "background_IoU",
    "precision",
    "recall",
)
OF_TAGS: Final = ("tag_accuracy", "tag_exact_match")


@dataclass
class ClassMapsEvaluatorConf(OneStageEvaluatorConf):
    """Intersection over union of plain and refined class maps, at a threshold chosen on validation images."""

    implementation: ClassVar[str] = "zsl_runner.evaluation.class_maps.evaluator:ClassMapsEvaluator"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.CLASS_MAPS})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.TAGS})
    quantities: ClassVar[dict[str, Quantity]] = dict.fromkeys(
        (*(f"{metric}_{maps}" for maps in MAPS for metric in BY_MAPS), *OF_TAGS, "mIoU_all_background"),
        Quantity("per cent", digits=2),
    )

    kind: str = option("class_maps", "the implementation; fixed by the file chosen in the group")
    name: str = option("class_maps", "the label in directories, tables and TensorBoard")
    select_metric: str = option(
        "val/mIoU_refined",
        "validation metric for selection, early stopping and searches",
        choices=("val/mIoU_refined", "val/mIoU_plain", "val/tag_accuracy", "val/tag_exact_match"),
    )
    batch_size: int = option(100, "images scored at a time", low=1)
    threshold: float = option(
        0.2, "confidence of the background for the metrics `_fixed`", low=0.0, high=1.0, below=True
    )
    thresholds: list[float] = option(
        [0.02, 0.8],
        "smallest and largest threshold to choose from on validation images",
        low=0.0,
        high=1.0,
    )
    threshold_count: int = option(40, "how many thresholds at equal distances are tried", low=1, high=1000)
    scales: list[float] = option(
        [1.0], "sizes of an image, as shares of its own, over which maps are summed", low=0.0, above=True, high=4.0
    )
    mirrored: bool = option(False, "also add the maps of the mirrored image")

    def problems(self) -> Iterable[Problem]:
        """Yield thresholds that are no range, and that there is no scale."""
        yield from super().problems()
        if len(self.thresholds) != 2 or self.thresholds[0] > self.thresholds[1]:
            yield Problem("thresholds", f"expected [smallest, largest], found {list(self.thresholds)}")
        if not self.scales:
            yield Problem("scales", "expected at least one size, e.g. [1.0]")

    def unmeasured(self, model: ModelConf, dataset: DatasetConf) -> Mapping[str, str]:
        """Maps are measured by masks."""
        if not isinstance(dataset, TaggedConf) or dataset.has_masks():
            return {}
        why = (
            "it needs masks, and dataset.masks names none; give their folder in dataset.root, e.g. "
            "dataset.masks=masks, or take val/tag_accuracy"
        )
        return {name: why for name in self.quantities if name not in OF_TAGS}

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield a size below the stride of the network."""
        side = dataset.image_side()
        if side is None or not isinstance(model, ClassMapperConf) or not self.scales:
            return
        smallest = scaled_side(side, min(self.scales))
        if smallest < model.reduction():
            yield Problem(
                "scales",
                f"{min(self.scales):g} makes images of {side} pixels {smallest} wide, less than the network's stride "
                f"of {model.reduction()}; use a larger one",
            )


def scaled_side(side: int, scale: float) -> int:
    """Return a side of an image, in pixels, at a size that is a share of its own; at least 1."""
    return max(1, round(side * scale))
