"""Documented choices of unseen and validation digits, shared by `digits` and `mnist`."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from zsl_runner.config.fields import option
from zsl_runner.config.schema import Complaint
from zsl_runner.data.digit_attributes import DIGITS
from zsl_runner.data.holdout import draw_validation_classes
from zsl_runner.data.records import Rows
from zsl_runner.data.zero_shot_conf import ZeroShotConf


@dataclass(frozen=True)
class DigitFold:
    """Three unseen digits, and two seen ones that play *unseen* in the tune stage."""

    unseen: tuple[int, int, int]
    validation: tuple[int, int]


FOLDS: Final[tuple[DigitFold, ...]] = (
    DigitFold(unseen=(3, 5, 7), validation=(4, 6)),
    DigitFold(unseen=(2, 4, 9), validation=(5, 7)),
    DigitFold(unseen=(1, 6, 8), validation=(2, 7)),
    DigitFold(unseen=(0, 4, 8), validation=(3, 5)),
    DigitFold(unseen=(0, 7, 9), validation=(4, 6)),
)
"""Every digit is unseen in at least one fold. T1 of a linear baseline on `digits` with all attributes (ridge
regression to the attributes, largest cosine; chance 33): 69, 64, 50, 42, 45, against a mean of 50 over all 120
triples, so fold 0 is an easy one and fold 3 a hard one. In each validation pair the same baseline is above chance."""


@dataclass
class DigitConf(ZeroShotConf):
    """Options that `digits` and `mnist` share: the class vectors, and which digits are unseen."""

    attributes: str = option(
        "all",
        "class vectors: segments = 7 display segments; all = these and 18 stroke attributes",
        choices=("segments", "all"),
    )
    fold: int | None = option(
        None,
        "documented choice of unseen and validation digits; null is fold 0 unless `unseen` is given",
        low=0,
        high=len(FOLDS) - 1,
    )
    unseen: list[int] | None = option(
        None,
        "own choice of unseen digits instead of a fold, e.g. [3,5]; validation digits are drawn",
        low=0,
        high=DIGITS - 1,
    )

    def complaints(self) -> Iterable[Complaint]:
        """Yield what is wrong with the choice of digits."""
        yield from super().complaints()
        if self.unseen is None:
            unseen = len(FOLDS[0].unseen)
        else:
            unseen = len(self.unseen)
            if self.fold is not None:
                yield Complaint("fold", "give either `fold` or `unseen`, not both; set one of them to null")
            if len(set(self.unseen)) != unseen or not 2 <= unseen <= DIGITS - 3:
                yield Complaint("unseen", f"expected 2 to {DIGITS - 3} different digits, found {list(self.unseen)}")
                return
        most = DIGITS - unseen - 2
        if self.validation_classes is not None and self.validation_classes > most:
            yield Complaint(
                "validation_classes",
                f"expected at most {most} (two of the {DIGITS - unseen} seen digits must be left to train on), "
                f"found {self.validation_classes}",
            )


@dataclass(frozen=True)
class DigitSplit:
    """Class ids, ascending, of one choice of digits, and its name."""

    seen: Rows
    unseen: Rows
    validation: Rows
    name: str


def digit_split(conf: DigitConf) -> DigitSplit:
    """Return the digits that are seen, unseen and used for validation."""
    if conf.unseen is None:
        number = 0 if conf.fold is None else conf.fold
        fold = FOLDS[number]
        unseen, validation, name = _ascending(fold.unseen), _ascending(fold.validation), f"own (digit fold {number}"
    else:
        unseen, validation, name = _ascending(conf.unseen), None, "own (chosen digits"
    seen = np.setdiff1d(np.arange(DIGITS), unseen)
    if conf.validation_classes is not None or validation is None:
        count = 2 if conf.validation_classes is None else conf.validation_classes
        validation = draw_validation_classes(seen, count, conf.validation_seed)
    return DigitSplit(seen, unseen, validation, f"{name}: unseen {', '.join(map(str, unseen))})")


def _ascending(digits: Sequence[int]) -> Rows:
    return np.array(sorted(digits), dtype=np.int64)
