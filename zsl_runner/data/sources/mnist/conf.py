"""Options of MNIST: as zero-shot data, as labelled images, as images to be completed, as tasks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.vocabulary import Provision
from zsl_runner.data.images.options import ImagesConf, LabelledImagesConf
from zsl_runner.data.pairs.completion.options import QuadrantConf
from zsl_runner.data.sources.digit_classes import DIGITS, DigitConf
from zsl_runner.data.sources.mnist.files import SIDE, IdxFolderConf, OfficialSplitConf
from zsl_runner.data.tasks.options import ImageTasksConf


@dataclass
class MNISTConf(IdxFolderConf, DigitConf):
    """70,000 images of 28 x 28 pixels; the official test file supplies the test rows."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.mnist.source:load"
    provides: ClassVar[frozenset[str]] = DigitConf.provides | {Provision.IMAGES}

    kind: str = option("mnist", "the implementation; fixed by the file chosen in the group")
    limit: int | None = option(None, "use only the first rows of each digit in either file; null uses all", low=10)


@dataclass
class MNISTImagesConf(OfficialSplitConf, LabelledImagesConf):
    """70,000 digits; validation images are the last of the training file, test images the official test file.

    Any data set in the same four files will do, e.g. Fashion-MNIST.
    """

    implementation: ClassVar[str] = "zsl_runner.data.sources.mnist.source:load_images"
    own_side: ClassVar[int] = SIDE

    kind: str = option("mnist_images", "the implementation; fixed by the file chosen in the group")

    def problems(self) -> Iterable[Problem]:
        """A labelled training image of each class is needed, and there must be as many."""
        yield from super().problems()
        rows = min(self.most_training_rows(), self.train_limit or self.most_training_rows())
        yield from self.problems_of_labels(DIGITS, rows)


@dataclass
class MNISTQuadrantConf(OfficialSplitConf, QuadrantConf):
    """Some quadrants of a digit given the others; official test file, validation rows from the training file."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.mnist.source:load_quadrants"

    kind: str = option("mnist_quadrant", "the implementation; fixed by the file chosen in the group")


@dataclass
class SplitMNISTConf(ImageTasksConf, OfficialSplitConf, ImagesConf):
    """The digits in tasks, two in each unless `n_tasks` says otherwise; rows for validation and testing as usual."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.mnist.source:load_images"
    own_side: ClassVar[int] = SIDE

    kind: str = option("split_mnist", "the implementation; fixed by the file chosen in the group")

    def known_sizes(self) -> tuple[int, int]:
        """Return ten classes, and the rows of the training file that are neither left out nor for validation."""
        return DIGITS, min(self.most_training_rows(), self.train_limit or self.most_training_rows())

    def problems(self) -> Iterable[Problem]:
        """A task has at least one digit."""
        yield from super().problems()
        yield from self.problems_of_tasks(DIGITS)
