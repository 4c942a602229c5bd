"""Bars of the unseen classes' frequencies: true, as training assumed them, and uniform."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zsl_runner.tracking.figures.style import FAINT, INK, UNSEEN, shorts, styled

MOST_NAMES = 60

Array = NDArray[np.floating[Any]]


@styled
def class_prior_bars(assumed: Array, true: Array, class_names: tuple[str, ...]) -> Figure:
    """Draw one pair of bars for each class, the most frequent first, and a line at the uniform share.

    Args:
        assumed: (U,) shares training drew classes from.
        true: (U,) shares among the unseen rows' labels.
        class_names: the U names.
    """
    order = np.argsort(-true, kind="stable")
    places = np.arange(len(order))
    figure = Figure(figsize=(max(6.4, 0.17 * len(order) + 2.5), 4.0), layout="constrained")
    axes = figure.add_subplot()
    axes.bar(places - 0.21, 100 * true[order], 0.4, color=INK, label="true")
    axes.bar(places + 0.21, 100 * assumed[order], 0.4, color=UNSEEN, label="used in training")
    axes.axhline(100 / len(order), color=FAINT, linewidth=1.2, linestyle="--", label="uniform")
    names = shorts([class_names[index] for index in order], 18)
    axes.set_xticks(places, names if len(order) <= MOST_NAMES else [""] * len(order), rotation=90, fontsize=6.5)
    axes.tick_params(axis="x", length=0)
    axes.margins(x=0.01)
    distance = float(np.abs(assumed - true).sum())
    uniform = float(np.abs(1 / len(order) - true).sum())
    axes.set(ylabel="share of unseen rows, per cent")
    axes.set_title(f"Class prior: L1 distance from the true one {distance:.3f} (uniform: {uniform:.3f})")
    axes.set_ylim(top=115 * max(assumed.max(), true.max()))
    axes.legend(ncols=3, loc="upper right")
    return figure
