"""Tasks after tasks: accuracies as a map and as courses, and where networks stand beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zsl_runner.tracking.figures.style import INK, QUALITATIVE, SEEN, UNSEEN, class_colours, styled

MOST_NUMBERS = 12
STEP_COLOURS = {"S": SEEN, "U": UNSEEN, "H": INK}


@styled
def task_matrix(matrix: NDArray[np.floating[Any]], title: str) -> Figure:
    """Draw accuracies on tasks (columns) after tasks (lines), with their numbers if there are few tasks.

    Args:
        matrix: (k, T) in per cent, NaN where a task has not come.
        title: what the accuracies are.
    """
    height, width = matrix.shape
    figure = Figure(figsize=(0.55 * width + 2.4, 0.5 * height + 1.5), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(matrix, cmap="Blues", vmin=0, vmax=100, interpolation="nearest", aspect="auto")
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label("accuracy (per cent)")
    if width <= MOST_NUMBERS:
        for line, column in zip(*np.nonzero(~np.isnan(matrix)), strict=True):
            value = matrix[line, column]
            colour = "white" if value > 60 else INK
            axes.text(column, line, f"{value:.1f}", ha="center", va="center", fontsize=8, color=colour)
    axes.set_xticks(range(width), [str(task + 1) for task in range(width)])
    axes.set_yticks(range(height), [str(task + 1) for task in range(height)])
    axes.tick_params(length=0)
    axes.set(xlabel="task", ylabel="after training on task", title=title)
    return figure


@styled
def task_courses(matrix: NDArray[np.floating[Any]], title: str) -> Figure:
    """Draw the accuracy on each task from its own on, and the mean over the tasks so far.

    Args:
        matrix: (k, T) in per cent, NaN where a task has not come.
        title: what the accuracies are.
    """
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    steps = np.arange(1, len(matrix) + 1)
    for task, colour in enumerate(class_colours(len(matrix))):
        axes.plot(steps[task:], matrix[task:, task], marker="o", markersize=3.5, color=colour, label=str(task + 1))
    axes.plot(steps, np.nanmean(matrix, 1), color=INK, linestyle="--", label="mean")
    axes.set_xticks(steps)
    axes.set(xlabel="after training on task", ylabel="accuracy (per cent)", title=title)
    axes.grid(axis="y")
    axes.legend(title="task", ncols=1 if len(matrix) < 12 else 2, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@styled
def zero_shot_courses(steps: Mapping[str, Sequence[float]]) -> Figure:
    """Draw S, U and H after each task.

    Args:
        steps: in per cent, NaN where undefined.
    """
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, values in steps.items():
        places = range(1, len(values) + 1)
        axes.plot(places, values, marker="o", markersize=3.5, color=STEP_COLOURS[name], label=name)
    axes.set_xticks(range(1, len(next(iter(steps.values()))) + 1))
    axes.set(
        xlabel="after training on task",
        ylabel="mean accuracy of classes (per cent)",
        title="Classes seen so far (S), unseen ones (U), harmonic mean (H)",
    )
    axes.set_ylim(bottom=0)
    axes.grid(axis="y")
    axes.legend()
    return figure


@styled
def by_task(values: Mapping[str, Sequence[float]], first: int, quantity: str, title: str) -> Figure:
    """Draw bars for each task.

    Args:
        values: by what they compare with, a number for each task.
        first: number of the first task.
        quantity: what is drawn, for the axis.
        title: the title.
    """
    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    axes = figure.subplots()
    width = 0.8 / len(values)
    for place, (name, numbers) in enumerate(values.items()):
        places = np.arange(len(numbers)) + first + (place - (len(values) - 1) / 2) * width
        axes.bar(places, numbers, width, label=name, color=QUALITATIVE[place])
    axes.set_xticks(range(first, first + len(next(iter(values.values())))))
    axes.set(xlabel="task", ylabel=quantity, title=title)
    axes.grid(axis="y")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


@styled
def by_layer(values: Mapping[str, Mapping[str, float]], quantity: str, title: str) -> Figure:
    """Draw a point for each layer, layers from the input to the output.

    Args:
        values: by what is compared, then by layer.
        quantity: what is drawn, for the axis.
        title: the title.
    """
    figure = Figure(figsize=(5.6, 3.2), layout="constrained")
    axes = figure.subplots()
    for place, (name, layers) in enumerate(values.items()):
        axes.plot(list(layers), list(layers.values()), marker="o", color=QUALITATIVE[place], label=name)
    axes.set(ylabel=quantity, title=title, ylim=(0, 1.03))
    axes.margins(x=0.15)
    axes.grid(axis="y")
    axes.legend(loc="lower left")
    return figure
