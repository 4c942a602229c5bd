"""The best values that oracle metrics had over several looks at the test rows. Never imports torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from zsl_runner.config.quantities import STANDARD_ERROR, Quantity, is_standard_error


def with_better(
    best: Mapping[str, float], looked: Mapping[str, float], quantity: Callable[[str], Quantity]
) -> dict[str, float]:
    """Return the best values so far after one more look, each with the standard error that it had when it was found.

    Values that are not finite are those of undefined metrics, and none of them is the best.

    Args:
        best: ``oracle/best_...`` of the looks before.
        looked: ``oracle/...`` of this one.
        quantity: returns what a metric is, by its tag; of one that only describes no value is better.

    >>> with_better({"oracle/best_T1": 3.0}, {"oracle/T1": 2.0, "oracle/U": 5.0}, lambda tag: Quantity())
    {'oracle/best_T1': 3.0, 'oracle/best_U': 5.0}
    """
    found = dict(best)
    for tag, value in looked.items():
        kind = quantity(tag)
        if is_standard_error(tag) or not kind.ranked or not math.isfinite(value):
            continue
        name = tag.replace("oracle/", "oracle/best_")
        if name not in found or kind.merit(value) > kind.merit(found[name]):
            found[name] = value
            if (error := f"{tag}{STANDARD_ERROR}") in looked:
                found[f"{name}{STANDARD_ERROR}"] = looked[error]
    return found
