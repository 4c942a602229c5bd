"""The picture of `zsl-data describe` for a segmentation data set: images of each split above their label maps."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from zsl_runner.data.segmentation.records import SPLITS, VOID, SegmentationRecords

SHOWN: Final = 12
VOID_COLOUR: Final = (255, 255, 255)
COLOURS: Final = (
    (30, 30, 34),
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (136, 34, 85),
    (153, 153, 51),
    (170, 170, 170),
)
"""Of the labels 0, 1, ...; further labels take them in turn, without the background's."""


def colour_map(labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return (..., H, W, 3) colours of (..., H, W) labels; void is white."""
    table = np.empty((VOID + 1, 3), dtype=np.uint8)
    table[0] = COLOURS[0]
    for label in range(1, VOID):
        table[label] = COLOURS[1 + (label - 1) % (len(COLOURS) - 1)]
    table[VOID] = VOID_COLOUR
    return table[labels]


def draw(records: SegmentationRecords) -> Figure:
    """Return the figure."""
    figure = Figure(figsize=(SHOWN * 1.05, 2 * len(SPLITS) * 1.1 + 0.6), layout="constrained")
    axes = figure.subplots(2 * len(SPLITS), SHOWN)
    for one in axes.flat:
        one.axis("off")
    for place, split in enumerate(SPLITS):
        rows = getattr(records, split)[:SHOWN]
        for column, row in enumerate(rows):
            axes[2 * place, column].imshow(records.images[row].transpose(1, 2, 0), interpolation="nearest")
            axes[2 * place + 1, column].imshow(colour_map(records.labels[row]), interpolation="nearest")
        axes[2 * place, 0].set_title(split, loc="left", fontsize=10)
    figure.suptitle(f"{records.name}: {records.sizes()}", fontsize=11)
    return figure
