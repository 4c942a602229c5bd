"""Options every segmentation data set has. Never imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.schema import DatasetConf
from zsl_runner.config.vocabulary import Provision


@dataclass
class SegmentationConf(DatasetConf):
    """Base of the data sets of images with a label for each pixel; the source loads `SegmentationRecords`."""

    folds: ClassVar[str] = "zsl_runner.data.pairs.segmentation.folds:segmentation_folds"
    provides: ClassVar[frozenset[str]] = frozenset({Provision.PAIRS, Provision.SEGMENTATION})

    flip: bool = option(False, "mirror every other training image, chosen at random each time it is drawn")

    def pixel_classes(self) -> int | None:
        """Return the number of classes of pixels; None if the files decide."""
        return None
