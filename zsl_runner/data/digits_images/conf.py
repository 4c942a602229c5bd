"""Options of scikit-learn's digits as labelled images."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

from zsl_runner.config.fields import option
from zsl_runner.config.schema import Complaint
from zsl_runner.data.digit_attributes import DIGITS
from zsl_runner.data.digits.conf import NOT_FOR_TESTING
from zsl_runner.data.labelled_images.options import LabelledImagesConf

SIDE: Final = 28


@dataclass
class DigitsImagesConf(LabelledImagesConf):
    """1,797 digits of 8 x 8 pixels, enlarged to 28 x 28 unless `side` says otherwise; nothing to download."""

    implementation: ClassVar[str] = "zsl_runner.data.digits_images.source:load"
    contents: ClassVar[str] = "zsl_runner.data.digits.source:contents"

    kind: str = option("digits_images", "the implementation; fixed by the file chosen in the group")
    validation_rows: int = option(
        300, "last of the 1,500 rows that are not for testing, for validation", low=1, high=1400
    )

    def image_side(self) -> int:
        """Return the side of the images."""
        return SIDE if self.side is None else self.side

    def complaints(self) -> Iterable[Complaint]:
        """A labelled image of each class is needed, and there must be as many."""
        yield from super().complaints()
        rows = NOT_FOR_TESTING - self.validation_rows
        if self.labelled is not None and not DIGITS <= self.labelled <= rows:
            yield Complaint(
                "labelled",
                f"expected {DIGITS} (one image of each class) to {rows:,} (all training images), "
                f"found {self.labelled:,}",
            )
