"""Tasks after tasks: accuracies as a map and as courses, and where networks stand beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke
from matplotlib.ticker import MaxNLocator
from numpy.typing import NDArray

from zsl_runner.tracking.figures.heat_map import MOST_NUMBERS, heat_map
from zsl_runner.tracking.figures.style import INK, QUALITATIVE, SEEN, UNSEEN, class_colours, styled

STEP_COLOURS = {"S": SEEN, "U": UNSEEN, "H": INK}
POINTS: Final[dict[str, Any]] = {"marker": "o", "markersize": 3.5, "clip_on": False}
"""Points that are whole on the edge of the axes, too."""


@styled
def task_matrix(matrix: NDArray[np.floating[Any]], title: str) -> Figure:
    """Draw accuracies on tasks (columns) after tasks (lines), with their numbers if there are few tasks.

    Args:
        matrix: (k, T) in per cent, NaN where a task has not come.
        title: what the accuracies are.
    """
    height, width = matrix.shape
    across, down = (0.55, 0.5) if width <= MOST_NUMBERS else (0.28, 0.25)
    figure = Figure(figsize=(across * width + 2.4, down * height + 1.5), layout="constrained")
    axes = figure.subplots()
    rows, columns = ([str(task + 1) for task in range(count)] for count in matrix.shape)
    image = heat_map(axes, matrix, rows, columns, (0.0, 100.0))
    bar = figure.colorbar(image, ax=axes, fraction=0.05, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label("accuracy (per cent)")
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
        axes.plot(steps[task:], matrix[task:, task], color=colour, label=str(task + 1), **POINTS)
    axes.plot(steps, np.nanmean(matrix, 1), color=INK, linestyle="--", label="mean", clip_on=False)
    _end_at_all(axes)
    _number_tasks(axes, 1, len(steps))
    axes.set(xlabel="after training on task", ylabel="accuracy (per cent)", title=title)
    axes.grid(axis="y")
    axes.legend(title="task", ncols=1 if len(matrix) < 12 else 2, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure


@styled
def zero_shot_courses(steps: Mapping[str, Sequence[float]]) -> Figure:
    """Draw S, U and H after each task.

    Args:
        steps: S, U and H, of which all have a value for each task, in per cent, NaN where undefined.
    """
    figure = Figure(figsize=(6, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, colour in STEP_COLOURS.items():
        places = range(1, len(steps[name]) + 1)
        axes.plot(places, steps[name], color=colour, label=name, **POINTS)
    _end_at_all(axes)
    _number_tasks(axes, 1, len(next(iter(steps.values()))))
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
    _bars(axes, values, first)
    axes.set(ylabel=quantity, title=title)
    return figure


@styled
def searched_weights(factors: Sequence[float], accuracies: Mapping[str, Sequence[float]]) -> Figure:
    """Draw what a search of weights ended with in each task from the second on.

    Args:
        factors: what the weights were multiplied by, above 0.
        accuracies: on held-out rows of the task, in per cent, by network.
    """
    figure = Figure(figsize=(8.4, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1, 1.4))
    left.plot(np.arange(len(factors)) + 2, factors, color=INK, **POINTS)
    left.set(yscale="log", ylabel="of the weight given", xlabel="task", title="Weights of the pulls")
    left.grid(axis="y")
    _number_tasks(left, 2, len(factors))
    _bars(right, accuracies, 2)
    right.set(ylabel="per cent", ylim=(0, 100), title="Held-out rows decided rightly")
    return figure


def _bars(axes: Axes, values: Mapping[str, Sequence[float]], first: int) -> None:
    """Draw bars side by side for each task, and what they are beside the axes."""
    width = 0.8 / len(values)
    for place, (name, numbers) in enumerate(values.items()):
        places = np.arange(len(numbers)) + first + (place - (len(values) - 1) / 2) * width
        axes.bar(places, numbers, width, label=name, color=QUALITATIVE[place])
    _number_tasks(axes, first, len(next(iter(values.values()))))
    axes.set(xlabel="task")
    axes.grid(axis="y")
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))


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


@styled
def accuracy_in_plane(
    u: NDArray[np.floating[Any]],
    v: NDArray[np.floating[Any]],
    accuracy: NDArray[np.floating[Any]],
    places: Mapping[str, tuple[float, float]],
) -> Figure:
    """Draw the mean accuracy over tasks in a plane of weights, and where networks lie in it.

    Args:
        u: (n,) places along the first axis.
        v: (m,) along the second.
        accuracy: (m, n) in per cent.
        places: of networks, by name.
    """
    figure = Figure(figsize=(5.6, 4.4), layout="constrained")
    axes = figure.subplots()
    most = accuracy.max()
    levels = MaxNLocator(12).tick_values(np.clip(accuracy.min(), most - 40, most - 1), most)
    filled = axes.contourf(u, v, accuracy, levels=levels, cmap="Blues", extend="min")
    bar = figure.colorbar(filled, ax=axes, shrink=0.75, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label("mean accuracy over tasks (per cent)")
    for place, (name, at) in enumerate(places.items()):
        axes.scatter(*at, s=55, color=QUALITATIVE[(place + 1) % len(QUALITATIVE)], edgecolor="white", zorder=3)
        label = axes.annotate(name, at, xytext=(6, 6), textcoords="offset points", fontsize=9)
        label.set_path_effects([withStroke(linewidth=2.5, foreground="white")])  # readable on dark blue, too
    axes.set_aspect("equal")
    axes.set(xlabel="from the old to the auxiliary network", ylabel="towards joint training")
    axes.set_title("Accuracy in the plane of three networks; main is projected")
    return figure


def _end_at_all(axes: Axes) -> None:
    """Let an axis of percentages end at 0 and 100 where it would go on."""
    low, high = axes.get_ylim()
    axes.set_ylim(max(low, 0.0), min(high, 100.0))


def _number_tasks(axes: Axes, first: int, count: int) -> None:
    """Write the numbers of tasks below them, of many every other one."""
    axes.set_xticks(range(first, first + count, 1 if count <= MOST_NUMBERS else 2))
