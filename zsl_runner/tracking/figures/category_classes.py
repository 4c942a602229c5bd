"""Which classes the images of a category have."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from zsl_runner.tracking.figures.style import INK, UNSEEN, shorts, styled

MOST_NUMBERS = 20


@styled
def category_classes(counts: NDArray[Any], class_names: Sequence[str], mapping: NDArray[Any]) -> Figure:
    """Draw the shares of the classes in each category, categories in the order of the classes they are mapped to.

    Args:
        counts: (K, C) images of each category and class.
        class_names: C names.
        mapping: (K,) the class of each category, negative for none; framed where the category has images.
    """
    order = np.argsort(np.where(mapping < 0, len(class_names), mapping), kind="stable")
    sizes = counts.sum(1, keepdims=True)
    shares = (100 * counts / np.maximum(sizes, 1))[order]
    height, width = shares.shape
    figure = Figure(figsize=(0.46 * width + 2.4, 0.42 * height + 1.4), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.5, 0, 100), interpolation="nearest", aspect="auto")
    bar = figure.colorbar(image, ax=axes, fraction=0.045, pad=0.02, ticks=[0, 1, 5, 10, 25, 50, 100])
    bar.outline.set_visible(False)
    bar.set_label("per cent of the category's images")
    for line, category in enumerate(order):
        if mapping[category] >= 0 and sizes[category, 0]:
            corner = (mapping[category] - 0.5, line - 0.5)
            axes.add_patch(Rectangle(corner, 1, 1, fill=False, edgecolor=UNSEEN, linewidth=1.3))
        if max(height, width) <= MOST_NUMBERS:
            for column in np.flatnonzero(shares[line] >= 0.5).tolist():
                value = shares[line, column]
                colour = "white" if value > 40 else INK
                axes.text(column, line, f"{value:.0f}", ha="center", va="center", fontsize=7.5, color=colour)
    names = shorts(list(class_names))
    axes.set_xticks(range(width), names, rotation=90 if max(map(len, names)) > 3 else 0)
    axes.set_yticks(range(height), [f"{category}  (n={int(sizes[category, 0]):,})" for category in order])
    axes.tick_params(length=0)
    axes.set(xlabel="class", ylabel="category", title="Categories and classes; framed: one to one, fitted on training")
    return figure
