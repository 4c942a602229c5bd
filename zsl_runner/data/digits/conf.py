"""Options of the embedded digits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final

from zsl_runner.config.fields import option
from zsl_runner.data.digit_folds import DigitConf

NOT_FOR_TESTING: Final = 1500
"""Rows that the sets of images do not test on."""


@dataclass
class DigitsConf(DigitConf):
    """1,797 images of 8 x 8 pixels that come with scikit-learn; nothing to download."""

    implementation: ClassVar[str] = "zsl_runner.data.digits.source:load"
    contents: ClassVar[str] = "zsl_runner.data.digits.source:contents"
    provides: ClassVar[frozenset[str]] = DigitConf.provides | {"images"}

    kind: str = option("digits", "the implementation; fixed by the file chosen in the group")
    test_share: float = option(
        0.2, "share of each seen digit that is held out as test_seen", low=0.0, high=1.0, above=True, below=True
    )
    test_seed: int = option(0, "seed of that draw; the same for all runs of a study", low=0)
