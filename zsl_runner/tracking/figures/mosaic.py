"""Pictures in lines and columns, as one image."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.figure import Figure
from torch import Tensor

GAP = 1
INCH = 0.42


def mosaic(pictures: Tensor, title: str, line_names: Sequence[str] = (), column_names: Sequence[str] = ()) -> Figure:
    """Draw grey or coloured pictures close to each other.

    Args:
        pictures: (lines, columns, C, H, W) in 0..1, C 1 or 3.
        title: of the figure.
        line_names: one for each line, or none.
        column_names: one for each column, or none.
    """
    lines, columns, channels, height, width = pictures.shape
    sheet = pictures.new_ones(channels, lines * (height + GAP) - GAP, columns * (width + GAP) - GAP)
    for line in range(lines):
        for column in range(columns):
            top, left = line * (height + GAP), column * (width + GAP)
            sheet[:, top : top + height, left : left + width] = pictures[line, column]
    inch = max(INCH, min(0.8, 7 / columns))
    size = (max(4.0, columns * inch + (1.0 if line_names else 0.3)), lines * inch + (0.9 if column_names else 0.6))
    figure = Figure(figsize=size, layout="constrained")
    figure.suptitle(title, fontsize=10)
    axes = figure.subplots()
    axes.imshow(
        sheet.permute(1, 2, 0).float().cpu().numpy().squeeze(),
        cmap="gray",
        vmin=0,
        vmax=1,
        interpolation="nearest",
    )
    middles = [
        [place * (side + GAP) + (side - 1) / 2 for place in range(count)]
        for count, side in ((lines, height), (columns, width))
    ]
    axes.set_yticks(middles[0] if line_names else [], list(line_names))
    axes.set_xticks(middles[1] if column_names else [], list(column_names))
    axes.xaxis.tick_top()
    axes.tick_params(length=0, labelsize=8)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure
