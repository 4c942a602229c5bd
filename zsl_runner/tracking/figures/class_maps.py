"""Class maps: intersection over union against the threshold, and how alike the prototypes of the classes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zsl_runner.tracking.figures.style import styled

MOST_NUMBERS = 21


@styled
def threshold_curves(
    thresholds: NDArray[Any], curves: Mapping[str, NDArray[Any]], chosen: Mapping[str, float], baseline: float
) -> Figure:
    """Draw mean intersections over unions against the confidence of the background.

    Args:
        thresholds: (T,) ascending.
        curves: (T,) in per cent, by kind of maps.
        chosen: threshold in use, by kind of maps; marked on its curve.
        baseline: in per cent, if all were background.
    """
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    for name, values in curves.items():
        (line,) = axes.plot(thresholds, values, label=f"{name} maps")
        if name in chosen:
            height = float(np.interp(chosen[name], thresholds, values))
            label = f"threshold in use: {chosen[name]:g}"
            axes.plot([chosen[name]], [height], marker="o", color=line.get_color(), label=label)
    axes.axhline(baseline, color="black", linestyle="--", label="all background")
    axes.set_xlabel("threshold")
    axes.set_ylabel("mean intersection over union (%)")
    axes.set_ylim(bottom=0)
    axes.legend()
    axes.grid(alpha=0.3)
    return figure


@styled
def prototype_similarity(cosines: NDArray[Any], names: Sequence[str]) -> Figure:
    """Draw the cosines of prototypes.

    Args:
        cosines: (K, K); NaN in rows and columns of a class without prototype.
        names: K names.
    """
    count = len(names)
    side = 0.45 * count + 1.6
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    shown = axes.imshow(cosines, vmin=0.0, vmax=1.0, cmap="viridis")
    axes.set_xticks(range(count), names, rotation=90)
    axes.set_yticks(range(count), names)
    if count <= MOST_NUMBERS:
        for row, column in zip(*np.nonzero(np.isfinite(cosines)), strict=True):
            colour = "black" if cosines[row, column] > 0.6 else "white"
            axes.text(column, row, f"{cosines[row, column]:.2f}", ha="center", va="center", fontsize=6.5, color=colour)
    axes.set_title("Cosines of the classes' prototypes")
    figure.colorbar(shown, ax=axes, shrink=0.8)
    return figure
