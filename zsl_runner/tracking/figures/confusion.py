"""Class confusion of generalised zero-shot classification, seen and unseen classes in blocks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zsl_runner.tracking.figures.style import INK, SEEN, UNSEEN, shorts, styled

MOST_NUMBERS = 20
MOST_NAMES = 60

Labels = NDArray[np.integer[Any]]


def shares(labels: Labels, predictions: Labels, classes: Labels) -> NDArray[np.float64]:
    r"""Return the class-normalised confusion matrix $P_{cd} = n_{cd} / n_c$ in per cent.

    Args:
        labels: (N,) true class ids, all in ``classes``.
        predictions: (N,) predicted class ids, all in ``classes``.
        classes: (C,) class ids in the order of rows and columns.

    Returns:
        (C, C); a row of a class without examples is NaN.
    """
    place = {int(label): index for index, label in enumerate(classes)}
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, ([place[int(label)] for label in labels], [place[int(label)] for label in predictions]), 1)
    with np.errstate(invalid="ignore"):
        normalised: NDArray[np.float64] = 100 * counts / counts.sum(1, keepdims=True)
    return normalised


@styled
def confusion(
    labels: Labels,
    predictions: Labels,
    seen_classes: Labels,
    unseen_classes: Labels,
    class_names: tuple[str, ...],
) -> Figure:
    """Draw the class-normalised confusion matrix, seen classes first.

    A row is a true class and sums to 100 %. The four blocks are labelled with the share of the rows' mass they hold:
    the usual failure, unseen classes taken for seen ones, is the lower left block.

    Args:
        labels: (N,) true class ids.
        predictions: (N,) predicted class ids.
        seen_classes: (S,) class ids.
        unseen_classes: (U,) class ids.
        class_names: names by class id.
    """
    classes = np.concatenate([seen_classes, unseen_classes])
    matrix = shares(labels, predictions, classes)
    count, border = len(classes), len(seen_classes)
    size = 6.6 if count <= MOST_NUMBERS else 8.2
    figure = Figure(figsize=(size + 0.9, size), layout="constrained")
    axes = figure.add_subplot()
    image = axes.imshow(
        matrix,
        cmap=colormaps["Blues"].with_extremes(bad="#F3F3F3"),
        norm=PowerNorm(0.5, 0, 100),
        interpolation="nearest",
        aspect="equal",
    )
    bar = figure.colorbar(image, ax=axes, fraction=0.035, pad=0.015, ticks=[0, 1, 5, 10, 25, 50, 100])
    bar.outline.set_visible(False)
    bar.set_label("per cent of the true class's rows")
    if count <= MOST_NUMBERS:
        _write_numbers(axes, matrix)
    if count <= MOST_NAMES:
        _name_classes(axes, shorts([class_names[label] for label in classes]))
    else:
        middles = [(border - 1) / 2, border + (len(unseen_classes) - 1) / 2]
        kinds = [f"{border} seen", f"{len(unseen_classes)} unseen"]
        axes.set_xticks(middles, kinds)
        axes.set_yticks(middles, kinds, rotation=90, va="center")
    axes.tick_params(length=0)
    first_unseen = border if count <= MOST_NAMES else 1
    for ticks in (axes.get_xticklabels(), axes.get_yticklabels()):
        for place, tick in enumerate(ticks):
            tick.set_color(SEEN if place < first_unseen else UNSEEN)
    for spine in axes.spines.values():
        spine.set_visible(True)
    axes.axhline(border - 0.5, color=UNSEEN, linewidth=1.1)
    axes.axvline(border - 0.5, color=UNSEEN, linewidth=1.1)
    axes.set(xlabel="predicted", ylabel="true")
    axes.set_title(_summary(matrix, border), fontsize=9.5)
    return figure


def _write_numbers(axes: Any, matrix: NDArray[np.float64]) -> None:
    """Write the shares that do not round to 0 into their cells."""
    for row, column in zip(*np.nonzero(np.nan_to_num(matrix) >= 0.5), strict=True):
        value = matrix[row, column]
        colour = "white" if value > 40 else INK
        axes.text(column, row, f"{value:.0f}", ha="center", va="center", fontsize=7.5, color=colour)


def _name_classes(axes: Any, names: Sequence[str]) -> None:
    """Write the classes' names along both axes, slanted or upright where they would cover each other."""
    places = range(len(names))
    if max(map(len, names)) <= 3:
        axes.set_xticks(places, names)
    elif len(names) <= 12:
        axes.set_xticks(places, names, rotation=40, ha="right", rotation_mode="anchor")
    else:
        axes.set_xticks(places, names, rotation=90)
    axes.set_yticks(places, names)
    axes.tick_params(labelsize=8.5 if len(names) <= MOST_NUMBERS else 6.5)


def _summary(matrix: NDArray[np.float64], border: int) -> str:
    """Say where the mass of the rows lies, averaged over the classes with rows."""
    parts = []
    for kind, rows in (("seen", matrix[:border]), ("unseen", matrix[border:])):
        present = rows[~np.isnan(rows).any(1)]
        if len(present):
            start = 0 if kind == "seen" else border
            right = float(np.mean([row[start + index] for index, row in enumerate(rows) if not np.isnan(row).any()]))
            crossed = float((present[:, border:] if kind == "seen" else present[:, :border]).sum(1).mean())
            other = "unseen" if kind == "seen" else "seen"
            parts.append(f"{kind}: {right:.1f}% right, {crossed:.1f}% taken for {other}")
    return "\n".join(parts)
