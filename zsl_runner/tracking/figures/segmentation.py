"""Images beside their label maps, one column for each kind of picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zsl_runner.tracking.figures.style import styled

CELL = 1.05
DEVIATION = "deviation"
GAP = 0.06


@styled
def picture_columns(columns: Mapping[str, NDArray[Any]], title: str) -> Figure:
    """Draw a sheet of pictures: a row for each example, a column for each kind.

    Args:
        columns: (n, H, W, 3) colours, or (n, H, W) numbers in [0, 1], by the title of the column; numbers of the column
            ``deviation`` have a colour scale of their own, 0 to one half, the largest deviation of a probability.
        title: of the figure.
    """
    count, height, width = next(iter(columns.values())).shape[:3]
    figure = Figure(figsize=(CELL * len(columns) + 0.4, CELL * count * height / width + 1.1), layout="constrained")
    for one, (name, pictures) in zip(figure.subplots(1, len(columns), squeeze=False)[0], columns.items(), strict=True):
        one.set(xticks=[], yticks=[])
        one.spines[:].set_visible(False)
        one.set_title(name, fontsize=8.5, loc="center", pad=4)
        if pictures.ndim == 4:
            one.imshow(_stacked(pictures), interpolation="nearest")
            continue
        largest, colours = (0.5, "magma") if name == DEVIATION else (1.0, "gray")
        shown = one.imshow(_stacked(pictures), interpolation="nearest", cmap=colours, vmin=0.0, vmax=largest)
        scale = one.inset_axes((0.0, -0.2 / count, 1.0, 0.07 / count))  # below, so that all columns keep one size
        figure.colorbar(shown, cax=scale, orientation="horizontal", ticks=[0.0, largest])
    figure.suptitle(title, fontsize=10.5)
    return figure


def _stacked(pictures: NDArray[Any]) -> NDArray[Any]:
    """Return the pictures one below the other with white between them: one image draws faster than many."""
    # A number that is none has no colour on any scale.
    white = np.nan if pictures.ndim == 3 else 255 if pictures.dtype == np.uint8 else 1.0
    gap = np.full((max(1, round(GAP * pictures.shape[1])), *pictures.shape[2:]), white, dtype=pictures.dtype)
    parts = [part for picture in pictures for part in (picture, gap)]
    return np.concatenate(parts[:-1])
