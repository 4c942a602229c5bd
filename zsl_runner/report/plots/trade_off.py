"""Two metrics against each other along a swept parameter, such as stability and plasticity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zsl_runner.report.groups import Group
from zsl_runner.report.plots.frame import framed, legend_below, spread_note
from zsl_runner.report.plots.material import Family, Material, lines_of
from zsl_runner.tracking.figures.style import INK, QUALITATIVE, halo, styled

Pair = tuple[str, str]
PAIRS: Final[tuple[Pair, ...]] = tuple((f"test/stability_{kind}", f"test/plasticity_{kind}") for kind in ("taw", "tag"))
"""What is drawn without being asked for, as far as the runs have it."""
MOST_ALONE: Final = 6
"""Groups in which nothing was swept that are drawn beside the others."""


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
            group.words.get(key, str(group.varied[key])),
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
