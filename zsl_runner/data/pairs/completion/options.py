"""Options of data sets of images whose quadrants are partly observed, partly predicted. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import DatasetConf
from zsl_runner.config.vocabulary import Provision

QUADRANTS: Final = ("top_left", "top_right", "bottom_left", "bottom_right")
USUAL: Final = {1: ("bottom_left",), 2: ("top_left", "bottom_left"), 3: ("top_left", "top_right", "bottom_left")}
"""Which quadrants are observed if only their number is given: the choice of Pyro's example."""


@dataclass
class QuadrantConf(DatasetConf):
    """Options that `mnist_quadrant` and `digits_quadrant` share."""

    folds: ClassVar[str] = "zsl_runner.data.pairs.completion.folds:completion_folds"
    provides: ClassVar[frozenset[str]] = frozenset({Provision.PAIRS, Provision.COMPLETION, Provision.NUMBERS})

    n_observed: int | None = option(
        None,
        "number of observed quadrants: 1 = bottom left, 2 = left half, 3 = all but bottom right; null is 1 unless "
        "`observed` is given",
        low=1,
        high=3,
    )
    observed: list[str] | None = option(
        None, "own choice of observed quadrants instead of their number", choices=QUADRANTS
    )
    predicted: list[str] | None = option(
        None, "quadrants to be predicted; null: all that are not observed", choices=QUADRANTS
    )
    target: str = option(
        "grey",
        "pixels to be predicted: grey = between 0 and 1, as probabilities; threshold = 1 from a half on; sampled = "
        "drawn with the grey value as probability, anew in each training batch and once for evaluation",
        choices=("grey", "threshold", "sampled"),
    )
    target_seed: int = option(0, "seed of the drawn pixels for evaluation (target=sampled)", low=0)
    mask_value: float | None = option(
        None,
        "null: an input holds the observed pixels alone; a value: all pixels, those not observed replaced by it",
        low=-1.0,
        high=1.0,
    )

    def observed_quadrants(self) -> tuple[str, ...]:
        """Return the names of the observed quadrants."""
        return USUAL[self.n_observed or 1] if self.observed is None else tuple(self.observed)

    def predicted_quadrants(self) -> tuple[str, ...]:
        """Return the names of the quadrants to be predicted."""
        if self.predicted is not None:
            return tuple(self.predicted)
        return tuple(name for name in QUADRANTS if name not in self.observed_quadrants())

    def problems(self) -> Iterable[Problem]:
        """Yield what is wrong with the choice of quadrants."""
        for key in ("observed", "predicted"):
            names = getattr(self, key)
            if names is not None and (not names or len(set(names)) != len(names)):
                yield Problem(key, f"expected one or more different quadrants, found {list(names)}")
        if self.observed is not None:
            if self.n_observed is not None:
                yield Problem("n_observed", "give either `n_observed` or `observed`; set one of them to null")
            if len(set(self.observed)) == len(QUADRANTS):
                yield Problem("observed", "all four quadrants are observed: nothing is left to predict")
        both = [name for name in self.predicted or () if name in self.observed_quadrants()]
        if both:
            yield Problem("predicted", f"a quadrant cannot be both observed and predicted: {', '.join(both)}")
        if self.target_seed and self.target != "sampled":
            yield Problem("target_seed", f"has no effect with target={self.target}; it belongs to sampled")


def quadrant_mask(names: Iterable[str], side: int) -> NDArray[np.bool_]:
    """Return the (side, side) mask of the named quadrants; ``side`` is even.

    >>> quadrant_mask(["top_right"], 2)
    array([[False,  True],
           [False, False]])
    """
    half = side // 2
    mask = np.zeros((side, side), dtype=bool)
    for name in names:
        rows = slice(0, half) if name.startswith("top") else slice(half, side)
        columns = slice(0, half) if name.endswith("left") else slice(half, side)
        mask[rows, columns] = True
    return mask
