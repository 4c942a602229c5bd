"""What all figures over runs share: heading, facts below it, legends outside the axes."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.layout_engine import ConstrainedLayoutEngine

from zsl_runner.files.names import verbatim
from zsl_runner.report.groups import Group
from zsl_runner.report.plots.material import Material, Value, is_logarithmic, is_numeric, wrapped
from zsl_runner.tracking.figures.style import FAINT, INK

BAND = 0.16
LETTERS = 11
"""Letters of a heading in an inch."""
FEW = 8
"""Different values of a parameter that are all written at its axis."""


def framed(material: Material, what: str, width: float, height: float, note: str = "") -> Figure:
    """Return an empty figure under a heading.

    Args:
        material: what is drawn; its data set, features and split stand below the heading.
        what: what the figure shows.
        width: inches.
        height: inches, without the heading.
        note: a further line, e.g. what was left out.
    """
    facts = wrapped(material.facts, width) + (f"\n{wrapped(note, width)}" if note else "")
    heading = textwrap.fill(f"{material.heading}: {what}", max(20, int(width * LETTERS)))
    below = 0.14 + 0.22 * (1 + heading.count("\n"))
    top = below + 0.17 * (1 + facts.count("\n")) - 0.02
    whole = height + top
    figure = Figure(figsize=(width, whole), layout=ConstrainedLayoutEngine(rect=(0, 0, 1, height / whole)))
    figure.text(0.012, 1 - 0.1 / whole, verbatim(heading), va="top", fontsize=11.5, color=INK, linespacing=1.25)
    figure.text(0.012, 1 - below / whole, verbatim(facts), va="top", fontsize=8, color="#6A6A6A", linespacing=1.25)
    return figure


def spread_note(groups: Sequence[Group]) -> str:
    """Return what bands and bars are over, by the numbers of the groups' seeds."""
    counts = sorted({len(group.runs) for group in groups})
    if counts == [1]:
        return "one seed each: no spread is known"
    seeds = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    return f"mean and one standard deviation over {seeds} seeds"


def legend_below(figure: Figure, entries: int) -> None:
    """Put one legend of all axes below them, in as many columns as fit."""
    handles, labels = [], []
    for axes in figure.axes:
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            if label not in labels:
                handles.append(handle)
                labels.append(label)
    longest = max((len(label) for label in labels), default=1)
    columns = max(1, min(entries, int(figure.get_figwidth() / (0.45 + 0.072 * longest))))
    figure.legend(handles, labels, loc="outside lower left", ncols=columns, labelcolor=INK, edgecolor=FAINT)


def scale_x(axes: Axes, values: Sequence[Value]) -> None:
    """Set the axis of a parameter: its values as ticks if they are few, a logarithm where that spreads them better.

    A 0 before numbers of a logarithmic axis, often what the others are compared with, stands a decade below them.

    Args:
        axes: where words stand at 0, 1, 2, ... in the order of ``values``.
        values: the different values of the parameter.
    """
    if not is_numeric(values):
        axes.set_xticks(range(len(values)), [str(value) for value in values])
        axes.set_xlim(-0.5, len(values) - 0.5)
        return
    above = [value for value in values if not isinstance(value, str) and value > 0]
    if is_logarithmic(values):
        axes.set_xscale("log")
    elif min(values) == 0 and is_logarithmic(above):
        axes.set_xscale("symlog", linthresh=min(above))
    if len(values) <= FEW:
        axes.set_xticks([float(value) for value in values], [f"{value:g}" for value in values])
        axes.minorticks_off()
    axes.margins(x=0.06)
