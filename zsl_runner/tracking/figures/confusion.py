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
MOST_CELLS = 800
"""Classes on an axis, of which each has at least a pixel; where there are more, neighbours share a cell."""

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
    counts = np.zeros((len(classes), len(classes)))
    np.add.at(counts, (_places(labels, classes), _places(predictions, classes)), 1)
    with np.errstate(invalid="ignore"):
        normalised: NDArray[np.float64] = 100 * counts / counts.sum(1, keepdims=True)
    return normalised


def shares_of_groups(
    labels: Labels, predictions: Labels, classes: Labels, groups: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return what `shares` does, averaged over the true classes of a group and added up over the predicted ones.

    Args:
        labels: (N,) true class ids, all in ``classes``.
        predictions: (N,) predicted class ids, all in ``classes``.
        classes: (C,) class ids.
        groups: (C,) the group of each, 0..G-1.

    Returns:
        (G, G); a row of classes without examples is NaN.
    """
    true, predicted = _places(labels, classes), _places(predictions, classes)
    sizes, count = np.bincount(true, minlength=len(classes)), int(groups.max()) + 1
    present = np.bincount(groups[sizes > 0], minlength=count)
    pairs = groups[true] * count + groups[predicted]
    total = np.bincount(pairs, weights=100 / sizes[true], minlength=count**2).reshape(count, count)
    with np.errstate(invalid="ignore"):
        averaged: NDArray[np.float64] = total / present[:, None]
    return averaged


def _places(ids: Labels, classes: Labels) -> NDArray[np.int64]:
    place = np.zeros(int(classes.max()) + 1, dtype=np.int64)
    place[classes] = np.arange(len(classes))
    return place[ids]


def _groups(sizes: Sequence[int]) -> tuple[list[NDArray[np.int64]], int]:
    """Return the cell of each class of each kind, in the order of the kinds, and how many classes share one."""
    size = -(-sum(sizes) // MOST_CELLS)
    cells, first = [], 0
    for count in sizes:
        cells.append(first + np.arange(count) // size)
        first += -(-count // size)
    return cells, size


@styled
def confusion(
    labels: Labels,
    predictions: Labels,
    seen_classes: Labels,
    unseen_classes: Labels,
    class_names: tuple[str, ...],
) -> Figure:
    """Draw the class-normalised confusion matrix, seen classes first.

    A row is a true class and sums to 100 %; of many classes it is the mean of some that follow one another. The four
    blocks are labelled with the share of the rows' mass they hold: the usual failure, unseen classes taken for seen
    ones, is the lower left block.

    Args:
        labels: (N,) true class ids.
        predictions: (N,) predicted class ids.
        seen_classes: (S,) class ids.
        unseen_classes: (U,) class ids.
        class_names: names by class id.
    """
    classes = np.concatenate([seen_classes, unseen_classes])
    count, (cells, together) = len(classes), _groups((len(seen_classes), len(unseen_classes)))
    if together == 1:
        matrix = shares(labels, predictions, classes)
    else:
        matrix = shares_of_groups(labels, predictions, classes, np.concatenate(cells))
    border = len(np.unique(cells[0]))
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
        middles = [(border - 1) / 2, (border + len(matrix) - 1) / 2]
        kinds = [f"{len(seen_classes)} seen", f"{len(unseen_classes)} unseen"]
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
    shared = "" if together == 1 else f", {together} classes in a cell"
    axes.set(xlabel=f"predicted{shared}", ylabel=f"true{shared}")
    axes.set_title(_summary(labels, predictions, seen_classes, unseen_classes), fontsize=9.5)
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


def _summary(labels: Labels, predictions: Labels, seen_classes: Labels, unseen_classes: Labels) -> str:
    """Say where the mass of the rows lies, averaged over the classes with rows."""
    parts = []
    for kind, classes, others, other in (
        ("seen", seen_classes, unseen_classes, "unseen"),
        ("unseen", unseen_classes, seen_classes, "seen"),
    ):
        own = np.isin(labels, classes)
        if own.any():
            right = _mean_share(labels[own], predictions[own] == labels[own])
            crossed = _mean_share(labels[own], np.isin(predictions[own], others))
            parts.append(f"{kind}: {right:.1f}% right, {crossed:.1f}% taken for {other}")
    return "\n".join(parts)


def _mean_share(labels: Labels, marked: NDArray[np.bool_]) -> float:
    """Return the share of marked rows in per cent, averaged over the classes of the rows."""
    places = np.unique(labels, return_inverse=True)[1]
    return float((100 * np.bincount(places, weights=marked) / np.bincount(places)).mean())
