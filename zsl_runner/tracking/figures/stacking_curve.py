"""Accuracy on unseen against seen classes under calibrated stacking."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zsl_runner.tracking.figures.style import FAINT, INK, SEEN, UNSEEN, halo, styled

Array = NDArray[np.floating[Any]]


class Mark(NamedTuple):
    """What is measured under one offset, in per cent."""

    offset: float
    unseen: float
    seen: float
    harmonic: float


@styled
def stacking_curve(seen: Array, unseen: Array, plain: Mark, chosen: Mark | None = None) -> Figure:
    r"""Draw the curve $(S(\gamma), U(\gamma))$ over lines of equal H.

    A square marks plain classification, $\gamma = 0$; a star the offset chosen on validation classes.

    Args:
        seen: (P,) S in per cent at ascending offsets.
        unseen: (P,) U in per cent at the same.
        plain: what is measured without an offset.
        chosen: what is measured under the chosen offset, if there is one.
    """
    figure = Figure(figsize=(6.2, 5.6), layout="constrained")
    axes = figure.add_subplot()
    right = max(10.0, min(102.0, 1.12 * float(seen.max()) + 2))
    top = max(10.0, min(102.0, 1.12 * float(unseen.max()) + 2))
    grid_s, grid_u = np.meshgrid(np.linspace(1e-3, right, 200), np.linspace(1e-3, top, 200))
    harmonic = 2 * grid_s * grid_u / (grid_s + grid_u)
    step = 10 if min(right, top) > 40 else 5 if min(right, top) > 20 else 2
    levels = axes.contour(grid_s, grid_u, harmonic, np.arange(step, 100, step), colors="#CFCFCF", linewidths=0.8)
    axes.clabel(levels, fmt=lambda value: f"H {value:.0f}", fontsize=7, colors=FAINT)

    axes.fill_between(seen, 0, unseen, color=SEEN, alpha=0.06, linewidth=0)
    axes.plot(seen, unseen, color=SEEN)
    area = float(0 - (np.diff(seen) * (unseen[1:] + unseen[:-1])).sum()) / 2e4  # a minus sign would make -0 of 0
    points = [(plain, "s", INK)]
    if chosen is not None:
        points.append((chosen, "*", UNSEEN))
    for (offset, u, s, h), marker, colour in points:
        axes.plot(s, u, marker, color=colour, markersize=13 if marker == "*" else 7, zorder=4, clip_on=False)
        inside = marker == "s" and s > 0.3 * right
        below = inside and u > 0.06 * top  # not on the numbers of the axis
        axes.annotate(
            rf"$\gamma$ = {offset:.3g}: H {h:.1f}",
            (s, u),
            xytext=(-9 if inside else 9, -12 if below else 8),
            textcoords="offset points",
            ha="right" if inside else "left",
            color=colour,
            fontweight="bold",
            fontsize=8.5,
            path_effects=halo(3),
            zorder=5,
        )
    axes.set(xlim=(0, right), ylim=(0, top), xlabel="S: accuracy on seen classes, per cent")
    axes.set(ylabel="U: accuracy on unseen classes, per cent", title=f"Calibrated stacking, AUSUC {100 * area:.1f}%")
    return figure
