"""Learning curves over seeds, from the ``metrics.csv`` of every run: means with bands of one standard deviation."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zsl_runner.config.quantities import is_standard_error
from zsl_runner.errors import RunError
from zsl_runner.report.groups import Group, average
from zsl_runner.report.plots.frame import BAND, framed, legend_below
from zsl_runner.report.plots.material import Material
from zsl_runner.runs.result import LARGEST
from zsl_runner.tracking.figures.learning_curves import LOG_SPAN, VALIDATION, place_of
from zsl_runner.tracking.figures.style import QUALITATIVE, class_colours, over_steps, styled
from zsl_runner.tracking.table import FILE_NAME, METRIC_PREFIXES, read

MOST = 10
MOST_ALONE = 6
"""Groups that get a figure of their own."""
MOST_METRICS = 4
"""Validation metrics that are drawn where none are asked for."""
COLOURS = {tag.partition("/")[2]: colour for tag, (_, colour) in VALIDATION.items()}


@dataclass(frozen=True)
class Curve:
    """A tag over the steps.

    Attributes:
        steps: steps at which any run has a value.
        means: mean over the runs that have one.
        spreads: standard deviation over them; 0 of a single one.
    """

    steps: list[int]
    means: list[float]
    spreads: list[float]


Curves = dict[str, Curve]


def curves_of(group: Group, say: Callable[[str], object] = print) -> Curves:
    """Return the curves of a group by tag.

    Args:
        group: the group.
        say: told of each run that is left out because its ``metrics.csv`` is absent or damaged.
    """
    found: dict[str, dict[int, list[float]]] = {}
    for run in group.runs:
        try:
            rows = list(read(run.directory / FILE_NAME))
        except RunError as error:
            say(f"left out of the curves: {error}")
            continue
        for row in rows:
            if abs(row.value) < LARGEST:
                found.setdefault(row.tag, {}).setdefault(row.step, []).append(row.value)
    return {tag: _averaged(values) for tag, values in found.items()}


def is_drawable(curves: Curves) -> bool:
    """Tell whether any curve has more than one point; those of closed forms have not."""
    return any(len(curve.steps) > 1 for curve in curves.values())


def _averaged(values: dict[int, list[float]]) -> Curve:
    averages = {step: average(values[step]) for step in sorted(values)}
    return Curve(list(averages), [one.mean for one in averages.values()], [one.std or 0.0 for one in averages.values()])


@styled
def validation_curves(material: Material, groups: Sequence[Group], curves: Sequence[Curves], left_out: str) -> Figure:
    """Draw the validation metrics of several groups side by side, a panel for each metric.

    Args:
        material: the block.
        groups: the groups.
        curves: theirs, in the same order.
        left_out: in words which groups are not shown.

    Raises:
        ValueError: no group has a validation metric.
    """
    tags = _validation_tags(material, curves)
    if not tags:
        raise ValueError("no validation metric in any metrics.csv")
    columns = min(len(tags), 2)
    rows = math.ceil(len(tags) / columns)
    note = "mean and one standard deviation over seeds" + (f"; {left_out}" if left_out else "")
    figure = framed(material, "validation over training", 4.6 * columns + 0.4, 3.0 * rows, note)
    colours = class_colours(len(groups))
    labels = material.labels(groups)
    for place, tag in enumerate(tags, start=1):
        axes = figure.add_subplot(rows, columns, place)
        for label, found, colour in zip(labels, curves, colours, strict=True):
            if tag in found:
                _draw(axes, found[tag], colour, label)
        axes.set(ylabel=material.axis(tag), title=tag.partition("/")[2])
        over_steps(axes)
    legend_below(figure, len(groups))
    return figure


@styled
def group_curves(material: Material, group: Group, curves: Curves) -> Figure:
    """Draw the loss terms of a group, a panel for each phase, and its validation metrics.

    Args:
        material: the block.
        group: the group.
        curves: its curves.

    Raises:
        ValueError: there is no curve.
    """
    panels = _panels(material, curves)
    if not panels:
        raise ValueError("no curve in any metrics.csv")
    columns = min(len(panels), 3 if len(panels) > 4 else 2)
    rows = math.ceil(len(panels) / columns)
    (label,) = material.labels([group])
    seeds = f"mean and one standard deviation over {len(group.runs)} seeds" if len(group.runs) > 1 else "one seed"
    figure = framed(material, label, max(5.6, 4.4 * columns), 3.3 * rows, seeds)
    for place, (name, terms) in enumerate(panels.items(), start=1):
        axes = figure.add_subplot(rows, columns, place)
        heading, _, unit = name.partition(", ")
        for index, (term, curve) in enumerate(terms.items()):
            colour = COLOURS.get(term, "") if unit else ""
            _draw(axes, curve, colour or QUALITATIVE[index % len(QUALITATIVE)], term)
        everything = [value for curve in terms.values() for value in curve.means]
        if min(everything) > 0 and max(everything) / min(everything) > LOG_SPAN and not unit:
            axes.set_yscale("log")
        axes.set(title=heading, ylabel=unit or "value")
        over_steps(axes)
        if len(terms) > 4:
            axes.legend(ncols=3, loc="upper left", bbox_to_anchor=(-0.02, -0.2), columnspacing=1.0)
        else:
            axes.legend()
    return figure


def _panels(material: Material, curves: Curves) -> dict[str, dict[str, Curve]]:
    """Return the curves by panel and label, phases first; what goes on over phases is joined."""
    panels: dict[str, dict[str, Curve]] = {}
    validation: dict[str, dict[str, Curve]] = {}
    shown = _validation_tags(material, [curves])
    for tag, curve in curves.items():
        if tag in shown:
            validation.setdefault(f"validation, {material.quantity(tag).unit}", {})[tag.partition("/")[2]] = curve
        elif not tag.startswith(METRIC_PREFIXES):
            panel, label = place_of(tag)
            terms = panels.setdefault(panel, {})
            terms[label] = _joined(terms[label], curve) if label in terms else curve
    return panels | validation


def _joined(first: Curve, second: Curve) -> Curve:
    points = sorted(
        (
            *zip(first.steps, first.means, first.spreads, strict=True),
            *zip(second.steps, second.means, second.spreads, strict=True),
        )
    )
    steps, means, spreads = zip(*points, strict=True)
    return Curve(list(steps), list(means), list(spreads))


def _validation_tags(material: Material, curves: Sequence[Curves]) -> list[str]:
    """Return which validation metrics are drawn.

    Those asked for; or else the accuracies of zero-shot data; or else what the runs were selected by and the first
    metrics that are no standard errors.
    """
    present = dict.fromkeys(tag for found in curves for tag in found if tag.startswith("val/"))
    if asked := [tag for tag in map(_on_validation, material.metrics) if tag in present]:
        return list(dict.fromkeys(asked))
    if usual := [tag for tag in VALIDATION if tag in present]:
        return usual
    plain = [tag for tag in present if not is_standard_error(tag) and tag.count("/") == 1]
    return sorted(plain, key=material.groups[0].objective.__ne__)[:MOST_METRICS]


def _on_validation(tag: str) -> str:
    return f"val/{tag.partition('/')[2]}"


def _draw(axes: Axes, curve: Curve, colour: str, label: str) -> None:
    marker = "o" if len(curve.steps) <= 30 else None
    axes.plot(curve.steps, curve.means, color=colour, marker=marker, markersize=2.6, label=label)
    if any(curve.spreads):
        low = [mean - spread for mean, spread in zip(curve.means, curve.spreads, strict=True)]
        high = [mean + spread for mean, spread in zip(curve.means, curve.spreads, strict=True)]
        axes.fill_between(curve.steps, low, high, color=colour, alpha=BAND, linewidth=0)
