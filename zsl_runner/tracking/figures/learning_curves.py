"""Learning curves of a run from the rows of its ``metrics.csv``."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from zsl_runner.config.quantities import is_standard_error, quantity_of
from zsl_runner.tracking.figures.style import INK, QUALITATIVE, SEEN, UNSEEN, over_steps, styled
from zsl_runner.tracking.table import METRIC_PREFIXES, Row

VALIDATION = {"val/H": ("H", INK), "val/S": ("S", SEEN), "val/U": ("U", UNSEEN), "val/T1": ("T1", "#009E73")}
LOG_SPAN = 50.0
MOST_INSIDE = 6
"""Curves whose names fit into a panel; the names of more stand beside it."""
LEGEND_WIDTH = 1.8
"""Inches."""
TOTAL = "loss"
Curve = tuple[list[int], list[float]]


@styled
def learning_curves(rows: Iterable[Row], quantities: Mapping[str, Any] | None = None) -> Figure:
    """Draw the loss terms of every phase of every stage, and the validation metrics, against the step.

    The validation metrics are T1, U, S and H; without one of them all others but standard errors, a panel per unit.

    Args:
        rows: rows of a ``metrics.csv``; values that are not finite are left out.
        quantities: those of the run's record; see `quantity_of`.

    Raises:
        ValueError: there is no loss term and no validation metric.
    """
    finite = [row for row in rows if math.isfinite(row.value)]
    zero_shot = any(row.tag in VALIDATION for row in finite)
    panels: dict[str, dict[str, Curve]] = {}
    for row in finite:
        if row.tag in VALIDATION:
            panel, label = "validation classes", row.tag
        elif row.tag.startswith("val/") and not zero_shot and not is_standard_error(row.tag):
            panel, label = f"validation: {quantity_of(row.tag, quantities or {}).unit}", row.tag.partition("/")[2]
        elif row.tag.startswith(METRIC_PREFIXES):
            continue
        else:
            panel, label = place_of(row.tag)
        steps, values = panels.setdefault(panel, {}).setdefault(label, ([], []))
        steps.append(row.step)
        values.append(row.value)
    if not panels:
        raise ValueError("learning curves: metrics.csv holds no loss term and no validation metric yet")

    validation = panels.pop("validation classes", None)
    names = sorted(panels, key=lambda name: name.startswith("validation")) + (
        ["validation classes"] if validation else []
    )
    columns = min(len(names), 3 if len(names) > 4 else 2)
    lines = math.ceil(len(names) / columns)
    beside = LEGEND_WIDTH * any(len(terms) > MOST_INSIDE for terms in panels.values())
    figure = Figure(figsize=(4.6 * columns + beside, 3.2 * lines), layout="constrained")
    for place, name in enumerate(names, start=1):
        axes = figure.add_subplot(lines, columns, place)
        if validation and name == "validation classes":
            _draw_validation(axes, validation)
        else:
            _draw_terms(axes, panels[name])
            axes.set_ylabel(name.partition(": ")[2] or "loss term")
        axes.set_title(name)
        over_steps(axes)
    return figure


def place_of(tag: str) -> tuple[str, str]:
    """Return panel and label of a tag ``stage/phase/term`` or ``stage/phase/quantity/of what``.

    A quantity that is no loss term, a critic's distance for instance, goes on through the phases of its stage.

    >>> place_of("tune/em/kl"), place_of("train/inductive/distance/critic")
    (('tune/em', 'kl'), ('train: distance', 'critic'))
    """
    parts = tag.split("/")
    if len(parts) == 4:
        return f"{parts[0]}: {parts[2].replace('_', ' ')}", parts[3]
    return "/".join(parts[:-1]), parts[-1]


def _draw_terms(axes: Axes, terms: dict[str, Curve]) -> None:
    for index, (name, (steps, values)) in enumerate(terms.items()):
        turn = index // len(QUALITATIVE) % 3
        style: str | tuple[int, tuple[int, int]] = ("-", "--", ":")[turn]
        colour = QUALITATIVE[index % len(QUALITATIVE)]
        if name == TOTAL:  # often equal to its largest term, which must stay visible below it
            style, colour = (0, (1, 2)), INK
        marker = "os^"[turn] if len(steps) == 1 else None
        axes.plot(steps, values, linestyle=style, color=colour, marker=marker, markersize=4, label=name)
    everything = [value for _, values in terms.values() for value in values]
    if min(everything) > 0 and max(everything) / min(everything) > LOG_SPAN:
        axes.set_yscale("log")
    if len(terms) > MOST_INSIDE:  # they would hide the curves
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.02), fontsize=7, labelspacing=0.3)
    else:
        axes.legend(ncols=2 if len(terms) > 4 else 1)


def _draw_validation(axes: Axes, metrics: dict[str, Curve]) -> None:
    for tag, (name, colour) in VALIDATION.items():
        if tag in metrics:
            steps, values = metrics[tag]
            width = 2.2 if name == "H" else 1.3
            marker = "o" if len(steps) <= 40 else None
            axes.plot(steps, values, color=colour, linewidth=width, marker=marker, markersize=3, label=name)
    if "val/H" in metrics:
        steps, values = metrics["val/H"]
        best = max(range(len(values)), key=values.__getitem__)
        axes.annotate(
            f"{values[best]:.1f}",
            (steps[best], values[best]),
            xytext=(0, 6),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
    axes.set_ylabel("per cent")
    axes.set_ylim(bottom=0)
    axes.legend(ncols=2)
