"""The picture of `zsl-data describe` for images to be completed."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from zsl_runner.data.completion_records import CompletionRecords

COLUMNS = 10


def draw(records: CompletionRecords) -> Figure:
    """Return ten test images, one of each label as far as there are so many: whole, and as they are observed."""
    labels = records.labels[records.test]
    _, first = np.unique(labels, return_index=True)
    rows = records.test[first][:COLUMNS]
    figure = Figure(figsize=(len(rows), 2.6), layout="constrained")
    figure.suptitle(f"{records.name}: {records.provenance.semantics}", fontsize=9)
    for column, row in enumerate(rows):
        image = records.images[row].astype(np.float32)
        for line, shown in enumerate((image, np.where(records.observed, image, 128))):
            axes = figure.add_subplot(2, len(rows), line * len(rows) + column + 1)
            axes.imshow(shown, cmap="gray", vmin=0, vmax=255)
            axes.set_axis_off()
    return figure
