"""Options of scikit-learn's digits: as zero-shot data, as labelled images, as images to be completed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from zsl_runner.config.fields import option
from zsl_runner.config.vocabulary import Provision
from zsl_runner.data.images.options import ImagesConf, LabelledImagesConf
from zsl_runner.data.pairs.completion.options import QuadrantConf
from zsl_runner.data.sources.digit_classes import DIGITS, DigitConf
from zsl_runner.data.tasks.options import ImageTasksConf

NOT_FOR_TESTING: Final = 1500
"""Rows that the sets of images do not test on."""

SIDE: Final = 28
"""Pixels to which the images are enlarged."""


@dataclass
class DigitsConf(DigitConf):
    """1,797 images of 8 x 8 pixels that come with scikit-learn; nothing to download."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.digits.source:load"
    contents: ClassVar[str] = "zsl_runner.data.sources.digits.images:contents"
    provides: ClassVar[frozenset[str]] = DigitConf.provides | {Provision.IMAGES}

    kind: str = option("digits", "the implementation; fixed by the file chosen in the group")
    test_share: float = option(
        0.2, "share of each seen digit that is held out as test_seen", low=0.0, high=1.0, above=True, below=True
    )
    test_seed: int = option(0, "seed of the draw of the test_seen rows; the same for all runs of a study", low=0)


@dataclass
class FixedSplit:
    """Which images are for what, where all ten digits are trained on; to be listed before other options."""

    contents: ClassVar[str] = "zsl_runner.data.sources.digits.images:contents"

    validation_rows: int = option(
        300, "last of the 1,500 rows that are not for testing, for validation", low=1, high=1400
    )

    def known_sizes(self) -> tuple[int, int]:
        """Return ten classes, and the rows that are neither for validation nor for testing."""
        return DIGITS, NOT_FOR_TESTING - self.validation_rows


@dataclass
class DigitsImagesConf(FixedSplit, LabelledImagesConf):
    """1,797 digits of 8 x 8 pixels, enlarged to 28 x 28 unless `side` says otherwise; nothing to download."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.digits.source:load_images"
    own_side: ClassVar[int] = SIDE
    own_channels: ClassVar[int] = 1

    kind: str = option("digits_images", "the implementation; fixed by the file chosen in the group")


@dataclass
class DigitsQuadrantConf(FixedSplit, QuadrantConf):
    """Some quadrants of scikit-learn's 8 x 8 digits, enlarged to 28 x 28, given the others; nothing to download."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.digits.source:load_quadrants"

    kind: str = option("digits_quadrant", "the implementation; fixed by the file chosen in the group")


@dataclass
class SplitDigitsConf(FixedSplit, ImageTasksConf, ImagesConf):
    """The digits of 8 x 8 pixels, enlarged likewise, in tasks, two in each unless `n_tasks` says otherwise."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.digits.source:load_images"
    own_side: ClassVar[int] = SIDE
    own_channels: ClassVar[int] = 1

    kind: str = option("split_digits", "the implementation; fixed by the file chosen in the group")
