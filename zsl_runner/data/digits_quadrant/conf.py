"""Options of the embedded digits' quadrants."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.data.quadrants import QuadrantConf


@dataclass
class DigitsQuadrantConf(QuadrantConf):
    """Some quadrants of scikit-learn's 8 x 8 digits, enlarged to 28 x 28, given the others; nothing to download."""

    implementation: ClassVar[str] = "zsl_runner.data.digits_quadrant.source:load"
    contents: ClassVar[str] = "zsl_runner.data.digits.source:contents"

    kind: str = option("digits_quadrant", "the implementation; fixed by the file chosen in the group")
    validation_rows: int = option(
        300, "last of the 1,500 rows that are not for testing, for validation", low=1, high=1400
    )
