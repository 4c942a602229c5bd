"""A search or a large sweep over several parameters: parallel coordinates, and the objective against each parameter."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, MaxNLocator

from zsl_runner.config.quantities import title
from zsl_runner.report.groups import Group, in_few_digits
from zsl_runner.report.plots.frame import framed, scale_x
from zsl_runner.report.plots.material import Family, Material, Value, is_logarithmic, is_numeric, plain, short
from zsl_runner.tracking.figures.style import INK, UNSEEN, halo, styled

MAP = "viridis"


def measured(material: Material, family: Family) -> list[Group]:
    """Return the groups that have the objective, the best one last, so that it is drawn on top.

    Of several best ones it is the first, which also stands for the search in tables.
    """
    objective = material.objective_of(family.groups)
    found = [group for group in reversed(family.groups) if group.average(objective) is not None]
    return sorted(found, key=lambda group: group.merit(objective))


@styled
def parallel(material: Material, family: Family) -> Figure:
    """Draw a line for each setting over one axis for each parameter and one for the objective, coloured by it.

    Args:
        material: the block.
        family: the settings of one model.
    """
    groups = measured(material, family)
    objective = material.objective_of(family.groups)
    columns = [Scale([plain(group.varied[key]) for group in groups]) for key in family.keys]
    heights = [_mean(group, objective) for group in groups]
    columns.append(Scale(heights))
    names = [*(short(key, family.keys) for key in family.keys), material.axis(objective)]
    width = max(6.4, 1.75 * len(columns) + 1.2)
    note = f"{len(groups)} settings of {family.name}; the best one in orange: {_best(material, family, groups)}"
    figure = framed(material, _heading(family), width, 4.0, note)
    axes = figure.add_subplot()
    colours = _colours(heights, material.quantity(objective).lower_is_better)
    paths = [[(float(x), column.heights[row]) for x, column in enumerate(columns)] for row in range(len(groups))]
    axes.add_collection(
        LineCollection([_smooth(path) for path in paths[:-1]], colors=colours[:-1], linewidths=1.1, alpha=0.75)
    )
    axes.plot(*zip(*_smooth(paths[-1]), strict=True), color=UNSEEN, linewidth=2.6, zorder=3)
    for x, (column, name) in enumerate(zip(columns, names, strict=True)):
        axes.axvline(x, color="#B5B5B5", linewidth=0.9, zorder=1)
        for height, text in column.ticks():
            axes.annotate(
                text,
                (x, height),
                xytext=(4, 0),
                textcoords="offset points",
                va="center",
                fontsize=8,
                path_effects=halo(2.5),
                zorder=4,
            )
            axes.plot([x - 0.012, x + 0.012], [height, height], color="#777777", linewidth=0.9, zorder=2)
        axes.annotate(name, (x, 1.075), ha="center", va="bottom", fontsize=9, annotation_clip=False, color=INK)
    axes.set(xlim=(-0.15, len(columns) - 1 + 0.42), ylim=(-0.04, 1.16))
    axes.set_axis_off()
    return figure


@styled
def scatter(material: Material, family: Family) -> Figure:
    """Draw the objective against each parameter: bars over seeds, the order of the runs as colour, a ring for the best.

    Args:
        material: the block.
        family: the settings of one model.
    """
    groups = measured(material, family)
    objective = material.objective_of(family.groups)
    count = len(family.keys)
    columns = 2 if count == 4 else min(count, 3)
    rows = math.ceil(count / columns)
    started = sorted(range(len(groups)), key=lambda row: groups[row].runs[0].result.started or "")
    order = [started.index(row) + 1 for row in range(len(groups))]
    note = f"{len(groups)} settings; ringed: the best one, {_best(material, family, groups)}"
    figure = framed(material, _heading(family), max(5.6, 3.5 * columns + 0.9), 3.0 * rows, note)
    means = [_mean(group, objective) for group in groups]
    spreads = [_spread(group, objective) for group in groups]
    shared: Axes | None = None
    points: Any = None
    for place, key in enumerate(family.keys, start=1):
        axes = figure.add_subplot(rows, columns, place, sharey=shared)
        shared = shared or axes
        values = family.values(key)
        numeric = is_numeric(values)
        x = [plain(group.varied[key]) for group in groups]
        at = [float(value) if numeric else values.index(value) for value in x]
        if any(spreads):
            axes.errorbar(at, means, spreads, fmt="none", ecolor="#BBBBBB", elinewidth=1, zorder=1)
        points = axes.scatter(at, means, c=order, cmap=MAP, s=26, zorder=2, edgecolors="white", linewidths=0.4)
        axes.scatter(at[-1:], means[-1:], s=110, facecolors="none", edgecolors=UNSEEN, linewidths=1.8, zorder=3)
        axes.set_xlabel(key)
        scale_x(axes, values)
        axes.grid(visible=True)
        if (place - 1) % columns == 0:
            axes.set_ylabel(material.axis(objective))
        else:
            axes.tick_params(labelleft=False)
    if len(groups) > 1:
        bar = figure.colorbar(points, ax=figure.axes, shrink=0.8, aspect=30, pad=0.015)
        bar.set_label("order of the runs", fontsize=8.5)
        bar.locator = MaxNLocator(5, integer=True)
        bar.outline.set_visible(False)
    return figure


def _heading(family: Family) -> str:
    return f"{'search' if family.is_search else 'settings'} of {family.name}"


class Scale:
    """Maps the values of a column to heights between 0 and 1: numbers by size or its logarithm, words evenly.

    Args:
        values: one for each line.
    """

    def __init__(self, values: Sequence[Value]) -> None:
        self.words = [] if is_numeric(values) else sorted({str(value) for value in values})
        self.logarithmic = is_logarithmic(values)
        self.raw = [float(self.words.index(str(v))) if self.words else float(v) for v in values]
        used = np.log10(self.raw) if self.logarithmic else np.asarray(self.raw)
        self.low, self.high = float(used.min()), float(used.max())
        self.heights: list[float] = [self._height(float(value)) for value in used]

    def ticks(self) -> list[tuple[float, str]]:
        """Return heights and texts."""
        if self.words:
            return [(self._height(place), word) for place, word in enumerate(self.words)]
        if self.logarithmic:
            low, high = 10**self.low, 10**self.high
            found = [float(t) for t in LogLocator(subs=(1.0, 3.0)).tick_values(low, high) if low <= t <= high]
            found = found if len(found) > 1 else [low, high]
            return [(self._height(math.log10(tick)), f"{tick:g}") for tick in found]
        if len(set(self.raw)) <= 6:
            found = sorted(set(self.raw))
            return [(self._height(tick), word) for tick, word in zip(found, in_few_digits(found).values(), strict=True)]
        found = [float(t) for t in MaxNLocator(5).tick_values(self.low, self.high) if self.low <= t <= self.high]
        return [(self._height(tick), f"{tick:g}") for tick in found]

    def _height(self, value: float) -> float:
        return 0.5 if self.high == self.low else (value - self.low) / (self.high - self.low)


def _smooth(path: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """Return a path that leaves and meets every axis level, so that lines through one point can be told apart."""
    points = []
    for (x, y), (next_x, next_y) in itertools.pairwise(path):
        for share in np.linspace(0, 1, 24, endpoint=False):
            ease = share * share * (3 - 2 * share)
            points.append((x + share * (next_x - x), y + ease * (next_y - y)))
    return [*points, path[-1]]


def _colours(values: Sequence[float], lower_is_better: bool) -> list[Any]:
    """Return a colour for each value, the brightest for the best."""
    places = Normalize(min(values), max(values))(np.asarray(values))
    return list(mpl.colormaps[f"{MAP}_r" if lower_is_better else MAP](places))


def _best(material: Material, family: Family, groups: Sequence[Group]) -> str:
    best = groups[-1]
    settings = ", ".join(f"{short(key, family.keys)}={_shown(best.varied[key])}" for key in family.keys)
    objective = material.objective_of(family.groups)
    quantity = material.quantity(objective)
    value = f"{_mean(best, objective):.{quantity.digits}f} {quantity.unit}"
    return f"{title(objective)} {value} at {settings}"


def _shown(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(plain(value))


def _mean(group: Group, tag: str) -> float:
    found = group.average(tag)
    assert found is not None
    return found.mean


def _spread(group: Group, tag: str) -> float:
    found = group.average(tag)
    return (found.std or 0.0) if found is not None else 0.0
