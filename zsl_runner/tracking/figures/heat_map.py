"""A heat map with its numbers, in given axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.image import AxesImage
from numpy.typing import NDArray

from zsl_runner.tracking.figures.style import INK

MOST_NUMBERS: Final = 12
"""Columns up to which each cell has its number."""
MOST_LABELS: Final = 25
"""Lines or columns up to which each has its label."""
DARK: Final = 0.6
"""Share of the scale from which numbers are white."""


def heat_map(
    axes: Axes,
    values: NDArray[np.floating[Any]],
    rows: Sequence[str],
    columns: Sequence[str],
    scale: tuple[float, float],
) -> AxesImage:
    """Draw values as colours, with their numbers if there are few columns; cells that are NaN stay empty.

    Args:
        axes: where to draw.
        values: (R, C).
        rows: R labels.
        columns: C labels.
        scale: values of the lightest and of the darkest colour.
    """
    low, high = scale
    image = axes.imshow(values, cmap="Blues", vmin=low, vmax=high, interpolation="nearest", aspect="auto")
    if len(columns) <= MOST_NUMBERS:
        digits = 1 if high - low >= 10 else 2
        for line, column in zip(*np.nonzero(~np.isnan(values)), strict=True):
            value = values[line, column]
            colour = "white" if value > low + DARK * (high - low) else INK
            axes.text(column, line, f"{value:.{digits}f}", ha="center", va="center", fontsize=8, color=colour)
    for axis, labels in ((axes.xaxis, columns), (axes.yaxis, rows)):
        every = 1 + (len(labels) - 1) // MOST_LABELS
        axis.set_ticks(range(0, len(labels), every), list(labels)[::every])
    if max(map(len, columns), default=0) > 3:
        axes.tick_params(axis="x", rotation=90)
    axes.tick_params(length=0)
    return image
