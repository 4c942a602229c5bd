"""Two metrics against each other: seen and unseen accuracy, or any two along a swept parameter."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zsl_runner.config.quoting import written
from zsl_runner.report.groups import Group
from zsl_runner.report.plots.frame import framed, legend_below, spread_note
from zsl_runner.report.plots.material import Family, Material, lines_of
from zsl_runner.tracking.figures.style import FAINT, INK, QUALITATIVE, halo, styled

Pair = tuple[str, str]
PAIRS: Final[tuple[Pair, ...]] = tuple((f"test/stability_{kind}", f"test/plasticity_{kind}") for kind in ("taw", "tag"))
"""What is drawn without being asked for, as far as the runs have it."""
MOST_ALONE: Final = 6
"""Groups in which nothing was swept that are drawn beside the others."""
MOST_GROUPS = 12
PLAIN, CALIBRATED = ("test/S", "test/U"), ("test/S_cal", "test/U_cal")


def pairs(material: Material) -> list[Pair]:
    """Return the pairs of tags to draw: the two that were asked for, or those of `PAIRS` that were measured."""
    if material.metrics:
        wanted = [(material.metrics[0], material.metrics[1])] if len(material.metrics) == 2 else []
    else:
        wanted = list(PAIRS)
    return [pair for pair in wanted if any(_has(group, pair) for group in material.groups)]


def name_of(pair: Pair) -> str:
    """Return the metrics' names in one, for a file.

    >>> name_of(("test/stability_taw", "test/plasticity_taw"))
    'stability_taw-plasticity_taw'
    """
    return "-".join(tag.partition("/")[2] for tag in pair)


@styled
def trade_off(material: Material, families: Sequence[Family], key: str, pair: Pair) -> Figure:
    """Draw the means of the groups in the plane of two metrics, joined in the order of ``key``, whose values they bear.

    A line for each combination of the other swept keys, bars of one standard deviation over seeds. Groups in which
    nothing was swept, such as the same method without what is swept, are squares.

    Args:
        material: the block the families belong to.
        families: models of which ``key`` was swept.
        key: dotted configuration key.
        pair: tags of the metrics on the horizontal and on the vertical axis.
    """
    lines = [(label, [group for group in groups if _has(group, pair)]) for label, groups in lines_of(families, key)]
    swept = {id(group) for family in families for group in family.groups}
    alone = [group for group in material.groups if id(group) not in swept and _has(group, pair)]
    note = spread_note([group for _, groups in lines for group in groups])
    if len(alone) > MOST_ALONE:
        note, alone = f"{note}; {len(alone)} groups without this parameter are left out", []
    what = f"{' and '.join(tag.partition('/')[2] for tag in pair)} along {key}"
    figure = framed(material, what, 6.4, 4.8, note)
    axes = figure.add_subplot()
    for place, (label, groups) in enumerate(lines):
        if groups:
            _draw_line(axes, groups, pair, key, label, QUALITATIVE[place % len(QUALITATIVE)])
    for place, (group, label) in enumerate(zip(alone, material.labels(alone), strict=True), start=len(lines)):
        _draw_marks(axes, [group], pair, "s", label, QUALITATIVE[place % len(QUALITATIVE)])
    axes.set(xlabel=material.axis(pair[0]), ylabel=material.axis(pair[1]))
    axes.margins(0.09)
    axes.grid(visible=True)
    legend_below(figure, len(lines) + len(alone))
    return figure


def _has(group: Group, pair: Pair) -> bool:
    return all(group.average(tag) is not None for tag in pair)


def _draw_line(axes: Axes, groups: Sequence[Group], pair: Pair, key: str, label: str, colour: str) -> None:
    points = _draw_marks(axes, groups, pair, "o-", label, colour)
    for group, point in zip(groups, points, strict=True):
        axes.annotate(
            group.words.get(key, written(group.varied[key])),
            point,
            textcoords="offset points",
            xytext=(6, 5),
            fontsize=8,
            color=INK,
            path_effects=halo(),
        )


def _draw_marks(
    axes: Axes, groups: Sequence[Group], pair: Pair, look: str, label: str, colour: str
) -> list[tuple[float, float]]:
    """Draw means with bars and return where they are."""
    x, y = ([average for group in groups if (average := group.average(tag)) is not None] for tag in pair)
    points = [(across.mean, up.mean) for across, up in zip(x, y, strict=True)]
    axes.errorbar(
        [point[0] for point in points],
        [point[1] for point in points],
        xerr=[found.std or 0.0 for found in x],
        yerr=[found.std or 0.0 for found in y],
        fmt=look,
        color=colour,
        ecolor=(colour, 0.4),
        elinewidth=0.9,
        markersize=5.5,
        linewidth=1.3,
        label=label,
    )
    return points


def has_accuracies(group: Group, tags: tuple[str, str] = PLAIN) -> bool:
    """Tell whether a group has both accuracies; values outside 0 to 100 are none."""
    return all(values and all(0 <= value <= 100 for value in values) for values in _values(group, tags))


def _values(group: Group, tags: tuple[str, str]) -> list[list[float]]:
    return [[value for _, value in group.values(tag)] for tag in tags]


@styled
def seen_unseen(material: Material) -> Figure:
    """Draw the mean of each group as a large mark with bars of one standard deviation, its seeds as dots.

    Args:
        material: groups with ``test/S`` and ``test/U``; hollow marks show calibrated accuracies, if any.
    """
    chosen, left_out = material.best(MOST_GROUPS)
    groups = [group for group in chosen if has_accuracies(group)]
    note = "bars: one standard deviation over seeds; dots: seeds" + (f"; {left_out}" if left_out else "")
    figure = framed(material, "accuracy on unseen and seen classes", 6.6, 6.0, note)
    axes = figure.add_subplot()
    for place, (group, label) in enumerate(zip(groups, material.labels(groups), strict=True)):
        look = QUALITATIVE[place % len(QUALITATIVE)], "os"[place // len(QUALITATIVE)]
        _mark(axes, group, PLAIN, look, label)
        if has_accuracies(group, CALIBRATED):
            _mark(axes, group, CALIBRATED, look, None)
    if any(has_accuracies(group, CALIBRATED) for group in groups):
        axes.plot([], [], "o", color="#777777", label="as trained")
        axes.plot([], [], "o", color="#777777", markerfacecolor="white", label="calibrated on validation classes")
    _frame(axes, groups)
    axes.set(xlabel="S: accuracy on seen classes, per cent", ylabel="U: accuracy on unseen classes, per cent")
    legend_below(figure, len(groups) + 2)
    return figure


def _mark(axes: Axes, group: Group, tags: tuple[str, str], look: tuple[str, str], label: str | None) -> None:
    colour, marker = look
    seeds = [dict(group.values(tag)) for tag in tags]
    common = sorted(seeds[0].keys() & seeds[1].keys())
    if len(common) > 1:
        axes.plot([seeds[0][s] for s in common], [seeds[1][s] for s in common], ".", color=colour, alpha=0.35, zorder=2)
    s, u = (group.average(tag) for tag in tags)
    assert s is not None
    assert u is not None
    axes.errorbar(
        s.mean,
        u.mean,
        xerr=s.std or 0.0,
        yerr=u.std or 0.0,
        fmt=marker,
        color=colour,
        markersize=8,
        markerfacecolor=colour if label else "white",
        markeredgewidth=1.6,
        elinewidth=1.2,
        label=label or "_nolegend_",
        zorder=3,
    )


def _frame(axes: Axes, groups: list[Group]) -> None:
    """Set limits around the marks, within 0 to 100, and draw the lines of equal H."""
    tags = [PLAIN, *([CALIBRATED] if any(has_accuracies(group, CALIBRATED) for group in groups) else [])]
    limits = []
    for axis in range(2):
        values = [value for group in groups for pair in tags for _, value in group.values(pair[axis])]
        margin = max(2.0, 0.12 * (max(values) - min(values)))
        limits.append((max(0.0, min(values) - margin), min(100.0, max(values) + margin)))
    (left, right), (bottom, top) = limits
    grid_s, grid_u = np.meshgrid(np.linspace(max(left, 1e-3), right, 240), np.linspace(max(bottom, 1e-3), top, 240))
    harmonic = 2 * grid_s * grid_u / (grid_s + grid_u)
    span = float(harmonic.max() - harmonic.min())
    step = next(step for step in (1, 2, 5, 10) if span / step <= 9 or step == 10)
    levels = np.arange(np.ceil(harmonic.min() / step) * step, harmonic.max(), step)
    if len(levels):
        lines = axes.contour(grid_s, grid_u, harmonic, levels, colors="#CFCFCF", linewidths=0.8, zorder=1)
        axes.clabel(lines, fmt=lambda value: f"H {value:.0f}", fontsize=7.5, colors=FAINT)
    axes.set(xlim=(left, right), ylim=(bottom, top))
