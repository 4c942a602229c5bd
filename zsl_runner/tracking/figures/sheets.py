"""Pictures beside each other: a line or a column for each kind, or all as one image in lines and columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from torch import Tensor

from zsl_runner.tracking.figures.one_image import sheet
from zsl_runner.tracking.figures.style import styled

CELL = 1.05
DEVIATION = "deviation"
COLUMN_GAP = 0.06
NAME_CELL, KEY_CELL, KEY_LINE = 0.9, 1.3, 0.2
"""Inches: the names of rows, an entry of a key, a line of it."""


def picture_sheet(lines: Mapping[str, Tensor], title: str) -> Figure:
    """Draw grey pictures.

    Args:
        lines: for each label (n, H, W) pictures with values in 0..1, the same n, H and W in every line.
        title: of the figure.
    """
    return mosaic(torch.stack([pictures.float().cpu() for pictures in lines.values()])[:, :, None], title, list(lines))


def mosaic(pictures: Tensor, title: str, line_names: Sequence[str] = (), column_names: Sequence[str] = ()) -> Figure:
    """Draw grey or coloured pictures close to each other.

    Args:
        pictures: (lines, columns, C, H, W) in 0..1, C 1 or 3.
        title: of the figure.
        line_names: one for each line, or none.
        column_names: one for each column, or none.
    """
    shown = pictures.permute(0, 1, 3, 4, 2).float().cpu().numpy()
    shown = shown[..., 0] if shown.shape[-1] == 1 else shown
    return sheet([list(line) for line in shown], title, line_names, column_names)


@styled
def picture_columns(
    columns: Mapping[str, NDArray[Any]],
    title: str,
    row_names: Sequence[str] = (),
    key: Mapping[str, Sequence[float]] | None = None,
) -> Figure:
    """Draw a sheet of pictures: a row for each example, a column for each kind.

    Args:
        columns: (n, H, W, 3) colours, or (n, H, W) numbers in [0, 1], by the title of the column; numbers of the column
            ``deviation`` have a colour scale of their own, 0 to one half, the largest deviation of a probability.
        title: of the figure.
        row_names: one for each example, or none.
        key: colours of the pictures (red, green, blue in 0..1) by what they stand for; none is drawn without it.
    """
    count, height, width = next(iter(columns.values())).shape[:3]
    margin = NAME_CELL if len(row_names) else 0.0
    across = CELL * len(columns) + 0.4 + margin
    per_line = max(1, int(across / KEY_CELL))
    below = KEY_LINE * -(-len(key) // per_line) if key else 0.0
    figure = Figure(figsize=(across, CELL * count * height / width + 1.1 + below), layout="constrained")
    axes = figure.subplots(1, len(columns), squeeze=False)[0]
    for one, (name, pictures) in zip(axes, columns.items(), strict=True):
        one.set(xticks=[], yticks=[])
        one.spines[:].set_visible(False)
        one.set_title(name, fontsize=8.5, loc="center", pad=4)
        if pictures.ndim == 4:
            one.imshow(_stacked(pictures), interpolation="nearest")
            continue
        largest, colours = (0.5, "magma") if name == DEVIATION else (1.0, "gray")
        shown = one.imshow(_stacked(pictures), interpolation="nearest", cmap=colours, vmin=0.0, vmax=largest)
        scale = one.inset_axes((0.0, -0.2 / count, 1.0, 0.07 / count))  # below, so that all columns keep one size
        figure.colorbar(shown, cax=scale, orientation="horizontal", ticks=[0.0, largest])
    if len(row_names):
        step = height + _gap(height)
        axes[0].set_yticks([height / 2 - 0.5 + step * row for row in range(count)], row_names)
        axes[0].tick_params(axis="y", length=0, labelsize=7.5)
    if key:
        patches = [Patch(color=tuple(colour), label=name) for name, colour in key.items()]
        figure.legend(handles=patches, loc="outside lower center", ncols=min(per_line, len(patches)), handlelength=1.0)
    figure.suptitle(title, fontsize=10.5)
    return figure


def _gap(height: int) -> int:
    """Return the pixels between two pictures of a column."""
    return max(1, round(COLUMN_GAP * height))


def _stacked(pictures: NDArray[Any]) -> NDArray[Any]:
    """Return the pictures one below the other with white between them: one image draws faster than many."""
    # A number that is none has no colour on any scale.
    white = np.nan if pictures.ndim == 3 else 255 if pictures.dtype == np.uint8 else 1.0
    gap = np.full((_gap(pictures.shape[1]), *pictures.shape[2:]), white, dtype=pictures.dtype)
    parts = [part for picture in pictures for part in (picture, gap)]
    return np.concatenate(parts[:-1])
