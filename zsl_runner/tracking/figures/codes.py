"""Codes over their prior: in the plane, coloured by class, and as histograms of each dimension."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from torch import Tensor

from zsl_runner.tracking.figures.style import INK, SEEN, class_colours, shorts, styled

AREA, LEAST_AREA, MOST_AREA = 12_000.0, 3.0, 16.0
"""Areas of points in square points: of all together, of one at least and at most."""
MOST_DIMENSIONS = 16
BINS = 60


@styled
def latent_scatter(
    points: Tensor,
    labels: Tensor | None,
    class_names: Sequence[str],
    title: str,
    outlines: Sequence[Tensor],
    heads: Tensor | None = None,
) -> Figure:
    """Draw points.

    Args:
        points: (n, 2).
        labels: (n,) int64 class ids; None draws all in one colour.
        class_names: names by class id.
        title: of the figure.
        outlines: lines (k, 2) drawn over the points.
        heads: (m, 2) marked and numbered points, or None.
    """
    figure = Figure(figsize=(6.2, 5.4), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10)
    places = points.cpu().numpy()
    size = min(MOST_AREA, max(LEAST_AREA, AREA / len(places)))
    if labels is None:
        axes.scatter(places[:, 0], places[:, 1], s=size, linewidths=0, alpha=0.6)
    else:
        colours = class_colours(len(class_names))
        for label, name in enumerate(shorts(class_names)):
            own = places[(labels == label).cpu().numpy()]
            axes.scatter(own[:, 0], own[:, 1], s=size, linewidths=0, color=colours[label], label=name, alpha=0.7)
        if len(class_names) <= 20:
            axes.legend(markerscale=2, fontsize=8, loc="center left", bbox_to_anchor=(1.0, 0.5), frameon=False)
    for line in outlines:
        axes.plot(*line.T.numpy(), color="black", linewidth=0.8, alpha=0.7)
    if heads is not None:
        marks = heads.cpu().numpy()
        axes.scatter(marks[:, 0], marks[:, 1], s=60, marker="X", color="black", edgecolors="white")
        for number, (x, y) in enumerate(marks):
            axes.annotate(str(number), (x, y), textcoords="offset points", xytext=(5, 5), fontsize=8)
    axes.set_aspect("equal")
    return figure


@styled
def code_histograms(codes: Tensor, draws: Tensor) -> Figure:
    """Draw histograms of the first 16 dimensions.

    Args:
        codes: (n, d).
        draws: (m, d) from the prior.
    """
    count = min(codes.shape[1], MOST_DIMENSIONS)
    columns = min(count, 4)
    lines = math.ceil(count / columns)
    figure = Figure(figsize=(2.6 * columns + 0.4, 1.9 * lines + 0.8), layout="constrained")
    figure.suptitle("Distribution of codes (filled) and prior (line)", fontsize=10)
    axes = list(figure.subplots(lines, columns, squeeze=False).flat)
    for place, own, prior in zip(axes, codes.T.cpu().numpy(), draws.T.cpu().numpy(), strict=False):
        low, high = np.percentile(np.concatenate([own, prior]), [0.1, 99.9])
        edges = np.linspace(low, high, BINS)
        place.hist(own, edges, density=True, histtype="stepfilled", color=SEEN, alpha=0.6)
        place.hist(prior, edges, density=True, color=INK, histtype="step", linewidth=1)
        place.set_yticks([])
    for number, place in enumerate(axes):
        place.set_visible(number < count)
        place.set_xlabel(f"z{number}", fontsize=8)
    return figure
