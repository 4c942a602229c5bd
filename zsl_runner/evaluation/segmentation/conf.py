"""Options of the segmentation protocol."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, idle
from zsl_runner.config.quantities import Quantity
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision
from zsl_runner.data.pairs.segmentation.options import SegmentationConf
from zsl_runner.evaluation.likelihood.conf import LikelihoodEvaluatorConf

SHARE = Quantity("per cent", digits=2)


@dataclass
class SegmentationEvaluatorConf(LikelihoodEvaluatorConf):
    """Pixel accuracy and intersection over union beside the negative conditional log-likelihood."""

    implementation: ClassVar[str] = "zsl_runner.evaluation.segmentation.evaluator:SegmentationEvaluator"
    needs: ClassVar[frozenset[str]] = frozenset({Provision.PAIRS, Provision.SEGMENTATION})
    quantities: ClassVar[dict[str, Quantity]] = {
        **{name: found for name, found in LikelihoodEvaluatorConf.quantities.items() if name.startswith("NCLL")},
        **dict.fromkeys(
            (
                "pixel_accuracy",
                "pixel_accuracy_averaged",
                "IoU",
                "IoU_averaged",
                "diversity",
                "hidden_accuracy",
                "hidden_accuracy_refined",
                "hidden_IoU",
                "hidden_IoU_refined",
            ),
            SHARE,
        ),
    }
    of_the_test: ClassVar[tuple[str, ...]] = (*LikelihoodEvaluatorConf.of_the_test, "hidden_side", "refinements")

    kind: str = "segmentation"
    name: str = "segmentation"
    select_metric: str = option(
        "val/pixel_accuracy",
        "validation metric for selection, early stopping and searches",
        choices=("val/pixel_accuracy", "val/IoU", "val/NCLL", "val/NCLL_ELBO", "val/NCLL_MC", "val/NCLL_IS"),
    )
    batch_size: int = option(100, "rows scored at a time; 100 at most, for which numbers are drawn", low=1)
    empty_iou: float = option(
        0.0,
        "intersection over union of an image without foreground, predicted without any: 0 as in the released code, or "
        "1, a perfect score",
        choices=(0.0, 1.0),
    )
    hidden_side: float = option(
        0.4,
        "labelling of partly hidden test images: side of the hidden square as a share of the image's, one pixel or "
        "more; 0 leaves it out",
        low=0.0,
        high=1.0,
    )
    refinements: int = option(
        5, "how often the labels of the hidden part and the code are inferred from each other there", low=1
    )

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where nothing is hidden."""
        yield from super().idle_options()
        if self.hidden_side == 0:
            yield from idle("hidden_side=0", "refinements")

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what has no effect without codes, and on classes of which none is the foreground."""
        yield from super().idle_beside(model, dataset)
        if Capability.LATENT_OUTPUT not in model.capabilities:
            yield from idle("a model without codes", "refinements")
        classes = dataset.pixel_classes() if isinstance(dataset, SegmentationConf) else None
        if classes is not None and classes > 2:
            yield from idle(f"{classes} classes of pixels, whose IoU is a mean over those that are there", "empty_iou")
