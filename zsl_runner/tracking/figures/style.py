"""One look for all figures: palette, fonts, lines. Colours stay apart for colour-blind readers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any, ParamSpec

import matplotlib as mpl
from matplotlib import colormaps, patheffects
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from zsl_runner.files.names import verbatim

P = ParamSpec("P")

SEEN = "#0072B2"
UNSEEN = "#D55E00"
INK = "#222222"
FAINT = "#9A9A9A"
QUALITATIVE = (
    "#0072B2",
    "#D55E00",
    "#009E73",
    "#CC79A7",
    "#E69F00",
    "#56B4E9",
    "#332288",
    "#882255",
    "#999933",
    "#444444",
)
"""Okabe and Ito's colours first, then darker ones of Tol's muted scheme."""

STYLE = {
    "figure.dpi": 110,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.titlepad": 8,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#B5B5B5",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": False,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.7,
    "xtick.color": "#555555",
    "ytick.color": "#555555",
    "xtick.labelsize": 8.5,
    "ytick.labelsize": 8.5,
    "legend.frameon": False,
    "legend.fontsize": 8.5,
    "lines.linewidth": 1.6,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "svg.hashsalt": "zsl-run",
}


def over_steps(axes: Axes) -> None:
    """Let the horizontal axis of curves be that of gradient steps, which are whole numbers."""
    axes.set_xlabel("step")
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
    axes.grid(visible=True)
    axes.margins(x=0.02)


def styled(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Let a drawing function work under `STYLE` and put matplotlib's settings back afterwards."""

    @wraps(draw)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> Figure:
        with mpl.rc_context(STYLE):
            return draw(*args, **kwargs)

    return wrapper


def class_colours(count: int) -> list[Any]:
    """Return ``count`` colours: distinct ones for up to ten classes, else evenly spread over one map."""
    if count <= len(QUALITATIVE):
        return list(QUALITATIVE[:count])
    return [colormaps["turbo"](0.04 + 0.92 * index / (count - 1)) for index in range(count)]


def class_keys(colours: Sequence[Any], names: Sequence[str]) -> list[Line2D]:
    """Return a square of each class's colour and the class's name, for a legend."""
    return [
        Line2D([], [], color=colour, marker="s", linestyle="", markersize=7, label=short(name, 20))
        for colour, name in zip(colours, names, strict=True)
    ]


def halo(width: float = 2.0) -> list[Any]:
    """Return the path effects that keep text legible on points."""
    return [patheffects.withStroke(linewidth=width, foreground="white")]


def short(name: str, length: int = 16) -> str:
    """Return a class name fit for a label.

    >>> short("grizzly+bear"), short("042.Vermilion_Flycatcher")
    ('grizzly bear', 'Vermilion Flyca…')
    """
    head, dot, rest = name.partition(".")
    words = (rest if dot and head.isdigit() else name).replace("+", " ").replace("_", " ")
    return verbatim(words if len(words) <= length else words[: length - 1].rstrip() + "…")


def shorts(names: Sequence[str], length: int = 16) -> list[str]:
    """Return `short` names, with a number where two became equal."""
    labels = [short(name, length) for name in names]
    return [
        f"{label} ({labels[:index].count(label) + 1})" if label in labels[:index] else label
        for index, label in enumerate(labels)
    ]
