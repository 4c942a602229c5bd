"""Options of MNIST as labelled images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.schema import Complaint
from zsl_runner.data.digit_attributes import DIGITS
from zsl_runner.data.labelled_images.options import LabelledImagesConf
from zsl_runner.data.mnist.images import SIDE
from zsl_runner.data.mnist.split_conf import OfficialSplitConf


@dataclass
class MNISTImagesConf(OfficialSplitConf, LabelledImagesConf):
    """70,000 digits; validation images are the last of the training file, test images the official test file.

    Any data set in the same four files will do, e.g. Fashion-MNIST.
    """

    implementation: ClassVar[str] = "zsl_runner.data.mnist_images.source:load"

    kind: str = option("mnist_images", "the implementation; fixed by the file chosen in the group")

    def image_side(self) -> int:
        """Return the side of the images."""
        return SIDE if self.side is None else self.side

    def complaints(self) -> Iterable[Complaint]:
        """A labelled training image of each class is needed, and there must be as many."""
        yield from super().complaints()
        rows = min(self.most_training_rows(), self.train_limit or self.most_training_rows())
        if self.labelled is not None and not DIGITS <= self.labelled <= rows:
            yield Complaint(
                "labelled",
                f"expected {DIGITS} (one image of each class) to {rows:,} (all training images), "
                f"found {self.labelled:,}",
            )
