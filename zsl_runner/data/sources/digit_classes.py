"""Digits as classes of zero-shot data: hand-made attributes, and which digits are unseen.

The attributes are of two groups: which strokes of a seven-segment display a digit lights (0 or 1), and how it is
usually *written* (0 to 1, in steps that a person can judge by eye: 0 no, 0.5 partly or by half of the writers, 1 yes).
The tables are the definition; each column is a digit.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.data.records import Rows
from zsl_runner.data.zero_shot.draws import draw_validation_classes
from zsl_runner.data.zero_shot.options import ZeroShotConf

DIGITS: Final = 10

SEGMENTS: Final = """
                          0    1    2    3    4    5    6    7    8    9
top                       1    0    1    1    0    1    1    1    1    1
upper_right               1    1    1    1    1    0    0    1    1    1
lower_right               1    1    0    1    1    1    1    1    1    1
bottom                    1    0    1    1    0    1    1    0    1    1
lower_left                1    0    1    0    0    0    1    0    1    0
upper_left                1    0    0    0    1    1    1    0    1    1
middle                    0    0    1    1    1    1    1    0    1    1
"""

STROKES: Final = """
                          0    1    2    3    4    5    6    7    8    9
loops_of_two              0.5  0    0    0    0    0    0.5  0    1    0.5
closed_upper_loop         0.3  0    0    0    0.2  0    0    0    1    1
closed_lower_loop         0.3  0    0    0    0    0    1    0    1    0
end_points_of_four        0    0.5  0.5  0.5  0.75 0.5  0.25 0.75 0    0.25
straight_vertical         0.3  1    0    0    0.7  0.3  0.2  0.3  0    0.5
straight_horizontal       0    0    0.6  0    0.8  0.7  0    0.9  0    0
straight_diagonal         0    0.2  0.6  0    0.6  0    0.3  0.8  0.2  0.2
curvature                 1    0    0.6  1    0    0.6  0.9  0.1  1    0.8
opens_left_above          0    0.2  1    1    0    0    0    0.7  0    0
opens_left_below          0    0.2  0    1    0.7  1    0    1    0    0.8
opens_right_above         0    0.2  0    0    0.2  1    1    0    0    0
opens_right_below         0    0.2  1    0    0.5  0    0    0.8  0    0.3
opens_upwards             0    0    0    0    0.8  0    0.5  0    0    0
left_right_symmetry       1    0.9  0.1  0.1  0.2  0.1  0.2  0.1  1    0.2
up_down_symmetry          1    0.9  0.1  1    0.1  0.1  0.1  0.1  0.9  0.1
half_turn_symmetry        1    0.9  0.7  0.1  0.1  0.7  0.2  0.1  0.9  0.2
stroke_crossings          0    0    0    0    1    0    0    0.5  1    0
ink_at_the_centre         0    1    0.4  0.8  0.8  0.7  0.5  0.7  1    0.6
"""


def _parsed(table: str) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    lines = table.strip().splitlines()[1:]
    names = tuple(line.split()[0] for line in lines)
    values = np.array([[float(entry) for entry in line.split()[1:]] for line in lines], dtype=np.float32)
    return names, np.ascontiguousarray(values.T)


def digit_attributes(choice: str) -> tuple[tuple[str, ...], NDArray[np.float32]]:
    """Return the attribute names and the (10, A) matrix whose row k describes digit k.

    Args:
        choice: ``segments`` (A = 7, entries 0 or 1) or ``all`` (segments and strokes, A = 25, entries 0..1).

    Raises:
        ValueError: another choice.
    """
    if choice not in ("segments", "all"):
        raise ValueError(f"unknown digit attributes {choice!r}")
    names, values = _parsed(SEGMENTS)
    if choice == "segments":
        return names, values
    stroke_names, stroke_values = _parsed(STROKES)
    return names + stroke_names, np.concatenate([values, stroke_values], axis=1)


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

    def problems(self) -> Iterable[Problem]:
        """Yield what is wrong with the choice of digits."""
        yield from super().problems()
        if self.unseen is None:
            unseen = len(FOLDS[0].unseen)
        else:
            unseen = len(self.unseen)
            if self.fold is not None:
                yield Problem("fold", "give either `fold` or `unseen`, not both; set one of them to null")
            if len(set(self.unseen)) != unseen or not 2 <= unseen <= DIGITS - 3:
                yield Problem("unseen", f"expected 2 to {DIGITS - 3} different digits, found {list(self.unseen)}")
                return
        most = DIGITS - unseen - 2
        if self.validation_classes is not None and self.validation_classes > most:
            yield Problem(
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
        usual = min(2, len(seen) - 2)  # two are left to train on, which `DigitConf.problems` demands of any number
        count = usual if conf.validation_classes is None else conf.validation_classes
        validation = draw_validation_classes(seen, count, conf.validation_seed)
    return DigitSplit(seen, unseen, validation, f"{name}: unseen {', '.join(map(str, unseen))})")


def _ascending(digits: Sequence[int]) -> Rows:
    return np.array(sorted(digits), dtype=np.int64)
