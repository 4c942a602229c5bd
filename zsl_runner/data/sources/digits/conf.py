"""Options of scikit-learn's digits: as zero-shot data, as labelled images, as images to be completed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.vocabulary import Provision
from zsl_runner.data.images.options import ImagesConf, LabelledImagesConf
from zsl_runner.data.pairs.completion.options import QuadrantConf
from zsl_runner.data.sources.digit_classes import DIGITS, DigitConf
from zsl_runner.data.tasks.options import ImageTasksConf

NOT_FOR_TESTING: Final = 1500
"""Rows that the sets of images do not test on."""

SIDE: Final = 28
"""Pixels to which the images are enlarged."""


def _validation_rows() -> Any:
    return option(300, "last of the 1,500 rows that are not for testing, for validation", low=1, high=1400)


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
class DigitsImagesConf(LabelledImagesConf):
    """1,797 digits of 8 x 8 pixels, enlarged to 28 x 28 unless `side` says otherwise; nothing to download."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.digits.source:load_images"
    contents: ClassVar[str] = "zsl_runner.data.sources.digits.images:contents"
    own_side: ClassVar[int] = SIDE

    kind: str = option("digits_images", "the implementation; fixed by the file chosen in the group")
    validation_rows: int = _validation_rows()

    def problems(self) -> Iterable[Problem]:
        """A labelled image of each class is needed, and there must be as many."""
        yield from super().problems()
        yield from self.problems_of_labels(DIGITS, NOT_FOR_TESTING - self.validation_rows)


@dataclass
class DigitsQuadrantConf(QuadrantConf):
    """Some quadrants of scikit-learn's 8 x 8 digits, enlarged to 28 x 28, given the others; nothing to download."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.digits.source:load_quadrants"
    contents: ClassVar[str] = "zsl_runner.data.sources.digits.images:contents"

    kind: str = option("digits_quadrant", "the implementation; fixed by the file chosen in the group")
    validation_rows: int = _validation_rows()


@dataclass
class SplitDigitsConf(ImageTasksConf, ImagesConf):
    """The digits of 8 x 8 pixels, enlarged likewise, in tasks, two in each unless `n_tasks` says otherwise."""

    implementation: ClassVar[str] = "zsl_runner.data.sources.digits.source:load_images"
    contents: ClassVar[str] = "zsl_runner.data.sources.digits.images:contents"
    own_side: ClassVar[int] = SIDE

    kind: str = option("split_digits", "the implementation; fixed by the file chosen in the group")
    validation_rows: int = _validation_rows()

    def known_sizes(self) -> tuple[int, int]:
        """Return ten classes, and the rows that are neither for validation nor for testing."""
        return DIGITS, NOT_FOR_TESTING - self.validation_rows

    def problems(self) -> Iterable[Problem]:
        """A task has at least one digit."""
        yield from super().problems()
        yield from self.problems_of_tasks(DIGITS)
