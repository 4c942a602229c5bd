"""Accuracy on unseen against seen classes, over lines of equal harmonic mean."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zsl_runner.report.groups import Group
from zsl_runner.report.plots.frame import framed, legend_below
from zsl_runner.report.plots.material import Material
from zsl_runner.tracking.figures.style import FAINT, QUALITATIVE, styled

MOST = 12
PLAIN, CALIBRATED = ("test/S", "test/U"), ("test/S_cal", "test/U_cal")


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
    chosen, left_out = material.best(MOST)
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
