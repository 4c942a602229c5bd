"""A metric against a swept parameter, with bands over seeds."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from zsl_runner.report.groups import Group
from zsl_runner.report.plots.frame import BAND, framed, legend_below, scale_x, spread_note
from zsl_runner.report.plots.material import Family, Line, Material, Value, is_numeric, lines_of, ordered, plain
from zsl_runner.tracking.figures.style import QUALITATIVE, styled

MOST_LINES = 6
"""Lines of several families in one figure."""
MOST_DOUBLE = 4
"""Lines that are drawn twice, for test and for validation rows."""


@styled
def parameter(material: Material, families: Sequence[Family], key: str) -> Figure:
    """Draw the means of the groups against the value of ``key``, bands of one standard deviation over seeds.

    A line for each combination of the other swept keys, a panel for each metric; validation metrics are dashed, with
    hollow points, where the same metric was measured on test rows, too.

    Args:
        material: the block the families belong to.
        families: models of which ``key`` was swept.
        key: dotted configuration key.
    """
    lines = lines_of(families, key)
    panels = _panels(material, lines)
    note = spread_note([group for _, groups in lines for group in groups])
    figure = framed(material, f"{_metrics(panels)} against {key}", max(5.2, 4.6 * len(panels)), 3.7, note)
    values = ordered({plain(group.varied[key]) for _, groups in lines for group in groups})
    for place, tags in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        for index, (label, groups) in enumerate(lines):
            for tag in tags:
                _draw(axes, label, groups, key, tag, values, index, dashed=tag != tags[0])
        axes.set(xlabel=key, ylabel=material.axis(tags[0]).removeprefix("val "))
        axes.grid(visible=True)
        axes.yaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10]))
        scale_x(axes, values)
    if any(len(tags) > 1 for tags in panels):
        for style, face, label in (("-", "#777777", "test"), ("--", "white", "validation")):
            figure.axes[0].plot(
                [], [], style, color="#777777", marker="o", markersize=4, markerfacecolor=face, label=label
            )
    legend_below(figure, len(lines) + 2)
    return figure


def _panels(material: Material, lines: Sequence[Line]) -> list[list[str]]:
    """Return the tags of each panel: those asked for, or the selecting metric and T1 on test and validation rows.

    Of many lines only those of the test rows are drawn.
    """
    groups = [group for _, found in lines for group in found]
    if material.metrics:
        return [[tag] for tag in material.metrics]
    name = material.objective_of(groups).partition("/")[2]
    wanted = [[f"{part}/{one}" for part in ("test", "val")] for one in dict.fromkeys((name, "T1"))]
    present = [[tag for tag in tags if any(group.average(tag) for group in groups)] for tags in wanted]
    return [tags if len(lines) <= MOST_DOUBLE else tags[:1] for tags in present if tags]


def _metrics(panels: Sequence[Sequence[str]]) -> str:
    return ", ".join(tags[0].partition("/")[2] for tags in panels)


def _draw(
    axes: Axes,
    label: str,
    groups: Sequence[Group],
    key: str,
    tag: str,
    values: Sequence[Value],
    index: int,
    dashed: bool,
) -> None:
    numeric = is_numeric(values)
    points = []
    for group in groups:
        found = group.average(tag)
        if found is not None:
            value = plain(group.varied[key])
            points.append((value if numeric else values.index(value), found))
    if not points:
        return
    x, averages = zip(*points, strict=True)
    means = [found.mean for found in averages]
    low = [found.mean - (found.std or 0.0) for found in averages]
    high = [found.mean + (found.std or 0.0) for found in averages]
    colour, style = QUALITATIVE[index % len(QUALITATIVE)], "--" if dashed else "-"
    shown, face = ("_nolegend_", "white") if dashed else (label, colour)
    if numeric:
        axes.plot(x, means, style, color=colour, marker="o", markersize=4, markerfacecolor=face, label=shown)
        if not dashed:
            axes.fill_between(x, low, high, color=colour, alpha=BAND, linewidth=0)
        else:
            axes.vlines(x, low, high, color=colour, alpha=0.5, linewidth=1)
    else:  # words have no order: nothing between them
        shift = 0.08 * (index - 0.5) + (0.04 if dashed else 0.0)
        spread = [high_one - mean for high_one, mean in zip(high, means, strict=True)]
        marker = "o" if not dashed else "s"
        axes.errorbar(
            [one + shift for one in x], means, spread, fmt=marker, color=colour, markerfacecolor=face, label=shown
        )
