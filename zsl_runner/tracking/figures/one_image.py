"""Many pictures drawn as one image, in lines and columns: one image draws far faster than many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zsl_runner.files.names import verbatim

if TYPE_CHECKING:
    from matplotlib.figure import Figure

GAP = 1
"""White pixels between two pictures."""
INCH = 0.42
"""The least width and height of a picture, in inches."""
LARGEST = 1.05
"""The most it has, where its pixels need the room."""
PIXELS = 100
"""Pixels for each of which there is room in an inch."""


def sheet(
    lines: Sequence[Sequence[NDArray[Any]]],
    title: str,
    line_names: Sequence[str] = (),
    column_names: Sequence[str] = (),
) -> Figure:
    """Draw pictures close to each other.

    Args:
        lines: pictures of one height and width: (H, W) grey or (H, W, 3) coloured, numbers in 0..1 or bytes. A line may
            be shorter than others; what it lacks is white.
        title: of the figure.
        line_names: one for each line, or none.
        column_names: one for each column, or none.
    """
    from matplotlib.figure import Figure

    count = max(map(len, lines))
    height, width = next(picture.shape[:2] for line in lines for picture in line)
    canvas = _canvas(lines, count, height, width)
    inch = max(INCH, min(0.8, 7 / count), min(LARGEST, max(height, width) / PIXELS))
    size = (
        max(4.0, count * inch + (1.0 if any(line_names) else 0.3)),
        len(lines) * inch + (0.9 if column_names else 0.6),
    )
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(verbatim(title), fontsize=10)
    axes = figure.subplots()
    axes.imshow(canvas, cmap="gray", vmin=0, vmax=255 if canvas.dtype == np.uint8 else 1, interpolation="nearest")
    middles = [
        [place * (side + GAP) + (side - 1) / 2 for place in range(number)]
        for number, side in ((len(lines), height), (count, width))
    ]
    axes.set_yticks(middles[0] if line_names else [], list(map(verbatim, line_names)))
    axes.set_xticks(middles[1] if column_names else [], list(map(verbatim, column_names)))
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=8)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


def _canvas(lines: Sequence[Sequence[NDArray[Any]]], count: int, height: int, width: int) -> NDArray[Any]:
    """Return the pictures in one array, (H, W) if all are grey, (H, W, 3) otherwise."""
    pictures = [picture for line in lines for picture in line]
    colours = (3,) if any(picture.ndim == 3 for picture in pictures) else ()
    white = 255 if pictures[0].dtype == np.uint8 else 1
    shape = (len(lines) * (height + GAP) - GAP, count * (width + GAP) - GAP, *colours)
    canvas = np.full(shape, white, dtype=pictures[0].dtype)
    for place, line in enumerate(lines):
        for column, picture in enumerate(line):
            top, left = place * (height + GAP), column * (width + GAP)
            shown = picture[..., None] if colours and picture.ndim == 2 else picture
            canvas[top : top + height, left : left + width] = shown
    return canvas
