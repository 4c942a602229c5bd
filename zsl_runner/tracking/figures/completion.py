"""Sheets of pictures, one line for each kind and one column for each row of the data."""

from __future__ import annotations

from collections.abc import Mapping

from matplotlib.figure import Figure
from torch import Tensor


def picture_sheet(lines: Mapping[str, Tensor], title: str) -> Figure:
    """Draw grey pictures.

    Args:
        lines: for each label (n, H, W) pictures with values in 0..1, the same n in every line.
        title: of the figure.
    """
    columns = len(next(iter(lines.values())))
    figure = Figure(figsize=(0.9 * columns + 1.4, 0.9 * len(lines) + 0.6), layout="constrained")
    figure.suptitle(title, fontsize=11)
    axes = figure.subplots(len(lines), columns, squeeze=False)
    for line, (label, pictures) in zip(axes, lines.items(), strict=True):
        for place, picture in zip(line, pictures.float().cpu().numpy(), strict=True):
            place.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
            place.set_xticks([])
            place.set_yticks([])
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=9)
    return figure
