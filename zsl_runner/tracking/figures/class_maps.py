"""Class maps: intersection over union against the threshold, and how alike the prototypes of the classes are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zsl_runner.tracking.figures.generated_features import evenly, tsne
from zsl_runner.tracking.figures.style import shorts, styled

MOST_NUMBERS = 21
MOST_PIXELS = 1200


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
    axes.set_xlabel("threshold (confidence of a class, 0 to 1)")
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


@styled
def pixel_scatter(vectors: NDArray[Any], labels: NDArray[Any], names: Sequence[str], colours: NDArray[Any]) -> Figure:
    """Draw projected pixels in the plane of t-SNE, in the colours of their true classes.

    Args:
        vectors: (n, P); of more than `MOST_PIXELS` about the same number of each class is drawn.
        labels: (n,) true classes, 0 is the background.
        names: K names.
        colours: (K, 3) of the classes in 0..1.
    """
    kept = evenly(labels, MOST_PIXELS, np.random.default_rng(0))
    plane, labels = tsne(vectors[kept], 0), labels[kept]
    figure = Figure(figsize=(6.6, 5), layout="constrained")
    axes = figure.subplots()
    for label, (name, colour) in enumerate(zip(shorts(names), colours, strict=True)):
        members = plane[labels == label]
        if len(members):
            axes.scatter(members[:, 0], members[:, 1], s=7, color=colour, linewidths=0, alpha=0.8, label=name)
    axes.set(xticks=[], yticks=[])
    axes.set_title("Projected pixels (t-SNE)")
    figure.legend(loc="outside right upper", markerscale=2.2)
    return figure
