"""Options of MNIST as labelled images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from omegaconf import MISSING

from zsl_runner.config.fields import option
from zsl_runner.config.schema import Complaint, RequiredFile
from zsl_runner.data.digit_attributes import DIGITS
from zsl_runner.data.labelled_images.options import LabelledImagesConf
from zsl_runner.data.mnist.files import TRAIN_ROWS, MNISTFiles
from zsl_runner.data.mnist.images import SIDE


@dataclass
class MNISTImagesConf(LabelledImagesConf):
    """70,000 digits; validation images are the last of the training file, test images the official test file.

    Any data set in the same four files will do, e.g. Fashion-MNIST.
    """

    implementation: ClassVar[str] = "zsl_runner.data.mnist_images.source:load"

    kind: str = option("mnist_images", "the implementation; fixed by the file chosen in the group")
    root: str = option(MISSING, "folder of the four idx files; relative to the working directory")
    validation_rows: int = option(10_000, "last rows of the training file, for validation", low=1, high=TRAIN_ROWS - 1)
    train_limit: int | None = option(None, "use only the first training rows; null uses all", low=1)
    test_limit: int | None = option(None, "use only the first test rows; null uses all", low=1)

    def files(self) -> MNISTFiles:
        """Return the places of the idx files."""
        return MNISTFiles(self.root)

    def required_files(self) -> Iterable[RequiredFile]:
        """Yield the four idx files."""
        return self.files().required()

    def image_side(self) -> int:
        """Return the side of the images."""
        return SIDE if self.side is None else self.side

    def complaints(self) -> Iterable[Complaint]:
        """Training rows must be left, and a labelled one of each class."""
        yield from super().complaints()
        left = TRAIN_ROWS - self.validation_rows
        if self.train_limit is not None and self.train_limit > left:
            yield Complaint("train_limit", f"expected at most the {left} rows that are not for validation")
        rows = min(left, self.train_limit or left)
        if self.labelled is not None and not DIGITS <= self.labelled <= rows:
            yield Complaint(
                "labelled",
                f"expected {DIGITS} (one image of each class) to {rows:,} (all training images), "
                f"found {self.labelled:,}",
            )
