"""`zsl-data describe` of images of classes: splits and grey values in words, training images as a sheet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Final

import numpy as np

from zsl_runner.data.images.records import ImageRecords

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS: Final = 12
ROWS: Final = 12


def describe(records: ImageRecords) -> Iterable[str]:
    """Yield sizes, splits, grey values and, of each class, its share of the splits."""
    yield f"{records.name}: {records.sizes()} ({records.provenance.kind} data)"
    for label, fact in records.facts():
        yield f"  {label:<12} {fact}"
    yield f"  {'pixels':<12} mean {records.images.mean() / 255:.4f}, deviation {records.images.std() / 255:.4f} in 0..1"
    yield f"  {'split':<12} {records.provenance.split_version}"
    yield from (f"  {label:<12} {text}" for label, text in records.provenance.remarks())
    if records.labels is not None:
        yield f"  {'class':<12}" + "".join(f" {name:>8}" for name in (*records.splits(), "labelled"))
        columns = [records.labels[rows] for rows in (*records.splits().values(), records.labelled)]
        for number, name in enumerate(records.class_names):
            yield f"  {name:<12}" + "".join(f" {int((column == number).sum()):>8,}" for column in columns)


def draw(records: ImageRecords) -> Figure:
    """Return training images: a row for each class (the first twelve), or the first images if there are no classes."""
    from matplotlib.figure import Figure

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
