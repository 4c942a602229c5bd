"""Options of MNIST: as zero-shot data, as labelled images, as images to be completed, as tasks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.vocabulary import Provision
from zsl_runner.data.images.options import ImagesConf, LabelledImagesConf
from zsl_runner.data.pairs.completion.options import QuadrantConf
from zsl_runner.data.sources.digit_classes import DigitConf
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
    own_channels: ClassVar[int] = 1

    kind: str = option("mnist_images", "the implementation; fixed by the file chosen in the group")


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
    own_channels: ClassVar[int] = 1

    kind: str = option("split_mnist", "the implementation; fixed by the file chosen in the group")
