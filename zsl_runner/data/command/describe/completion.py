"""`zsl-data describe` of images to be completed: splits and entropy floor in words, test images as a sheet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from zsl_runner.data.pairs.completion.records import CompletionRecords

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 10


def describe(records: CompletionRecords) -> Iterable[str]:
    """Yield sizes, splits and the entropy floor."""
    yield f"{records.name}: {records.sizes()} ({records.provenance.kind} data)"
    for label, fact in records.facts():
        yield f"  {label:<12} {fact}"
    floor = records.entropy_floor(records.test)
    yield f"  {'floor':<12} {floor:.2f} nats: mean entropy of the grey pixels to be predicted"
    yield from (f"  {label:<12} {text}" for label, text in records.provenance.remarks())


def draw(records: CompletionRecords) -> Figure:
    """Return ten test images, one of each label as far as there are so many: whole, and as they are observed."""
    from matplotlib.figure import Figure

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
