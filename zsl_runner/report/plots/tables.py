"""Tables that runs recorded beside their metrics, such as accuracies on tasks after tasks, as heat maps."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zsl_runner.report.groups import Group
from zsl_runner.report.plots.frame import framed, spread_note
from zsl_runner.report.plots.material import Material, wrapped
from zsl_runner.tracking.figures.heat_map import heat_map
from zsl_runner.tracking.figures.style import styled

MOST: Final = 6
"""Groups in a figure."""
ACROSS: Final = 3
"""Groups side by side."""
Labels = tuple[tuple[str, ...], tuple[str, ...]]
Mean = tuple[Labels, NDArray[np.float64]]


def tables(material: Material) -> Iterator[tuple[str, Figure]]:
    """Yield (name, figure) of each table that the best groups recorded; none where metrics were asked for."""
    if material.metrics:
        return
    chosen, left_out = material.best(MOST)
    for name in dict.fromkeys(name for group in chosen for run in group.runs for name in run.result.tables):
        means = [(group, mean) for group in chosen if (mean := mean_table(group, name)) is not None]
        if means:
            yield f"table-{name}", _figure(material, name, means, left_out)


def mean_table(group: Group, name: str) -> Mean | None:
    """Return a table's labels and its means over seeds, NaN where a run has no value.

    Returns:
        None if a run has no such table, or one with other labels.
    """
    found = [run.result.tables.get(name) for run in group.runs]
    labels = {(tuple(table["rows"]), tuple(table["columns"])) for table in found if table is not None}
    if len(labels) != 1 or None in found:
        return None
    (same,) = labels
    values = [[[math.nan if v is None else v for v in line] for line in table["values"]] for table in found if table]
    return same, np.array(values, dtype=np.float64).reshape(len(found), len(same[0]), len(same[1])).mean(0)


@styled
def _figure(material: Material, name: str, means: Sequence[tuple[Group, Mean]], left_out: str) -> Figure:
    """Draw a panel for each group, all on one scale of colours."""
    groups, shown = [group for group, _ in means], [mean for _, mean in means]
    across = min(ACROSS, len(means))
    down = math.ceil(len(means) / across)
    width, height = (max(len(labels[side]) for labels, _ in shown) for side in (1, 0))
    inches = min(6.0, 0.52 * width + 1.2), min(6.0, 0.42 * height + 0.9)
    note = spread_note(groups).replace("mean and one standard deviation", "mean")
    figure = framed(
        material,
        f"table {name}",
        max(5.2, inches[0] * across + 0.8),
        inches[1] * down,
        f"{note}; {left_out}" if left_out else note,
    )
    values = np.concatenate([mean.ravel() for _, mean in shown])
    scale = _scale(values)
    panels: NDArray[Any] = figure.subplots(down, across, squeeze=False)
    for axes in panels.flat[len(means) :]:
        axes.set_axis_off()
    for axes, label, (labels, mean) in zip(panels.flat, material.labels(groups), shown, strict=False):
        image = heat_map(axes, mean, *labels, scale)
        axes.set_title(wrapped(label, inches[0]), fontsize=9)
    bar = figure.colorbar(image, ax=panels, fraction=0.04, pad=0.02)
    bar.outline.set_visible(False)
    return figure


def _scale(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return where colours begin and end: at 0 or below, and at the largest value."""
    known = values[~np.isnan(values)]
    if not len(known):
        return 0.0, 1.0
    low, high = min(0.0, float(known.min())), float(known.max())
    return low, high if high > low else low + 1.0
