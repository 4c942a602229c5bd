"""The picture of `zsl-data describe` for images of classes."""

from __future__ import annotations

from typing import Final

import numpy as np
from matplotlib.figure import Figure

from zsl_runner.data.labelled_images.records import ImageRecords

COLUMNS: Final = 12
ROWS: Final = 12


def draw(records: ImageRecords) -> Figure:
    """Return training images: a row for each class (the first twelve), or the first images if there are no classes."""
    if records.labels is None:
        lines = [("", part) for part in np.array_split(records.train[: 4 * COLUMNS], 4) if len(part)]
    else:
        labels = records.labels[records.train]
        lines = [
            (name, records.train[labels == label][:COLUMNS])
            for label, name in enumerate(records.class_names[:ROWS])
            if (labels == label).any()
        ]
    figure = Figure(figsize=(COLUMNS * 0.6 + 1.2, len(lines) * 0.62 + 0.6), layout="constrained")
    axes = figure.subplots(len(lines), COLUMNS, squeeze=False)
    for one in axes.flat:
        one.set_xticks([])
        one.set_yticks([])
        one.set_frame_on(False)
    for line, (name, rows) in enumerate(lines):
        axes[line, 0].set_ylabel(name, rotation=0, ha="right", va="center", fontsize=8)
        for column, row in enumerate(rows):
            image = records.images[row].transpose(1, 2, 0)
            shown = image[..., 0] if image.shape[2] == 1 else image
            axes[line, column].imshow(shown, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
    figure.suptitle(f"{records.name}: {records.sizes()}", fontsize=9)
    return figure
