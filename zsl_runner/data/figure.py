"""The picture of `zsl-data describe`: class sizes, feature values, similarity of the class vectors."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from zsl_runner.data.description import cosine_similarity, sampled_rows, split_rows
from zsl_runner.data.records import ZeroShotRecords

SEEN, HELD_OUT, UNSEEN = "#3b6ea5", "#9fc1e0", "#d9822b"
NAMED_CLASSES = 30


def draw(records: ZeroShotRecords) -> Figure:
    """Return the figure."""
    figure = Figure(figsize=(15, 5.2), layout="constrained")
    sizes, values, similarity = figure.subplots(1, 3, width_ratios=(1.25, 0.9, 1.1))
    figure.suptitle(f"{records.name}: {records.provenance.feature_kind}", fontsize=12)
    _draw_sizes(sizes, records)
    _draw_values(values, records)
    _draw_similarity(figure, similarity, records)
    return figure


def png(figure: Figure) -> bytes:
    """Return a figure as PNG."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()


def _draw_sizes(axes: Any, records: ZeroShotRecords) -> None:
    count = len(records.class_vectors)
    counts = {name: np.bincount(records.labels[i], minlength=count) for name, i in split_rows(records).items()}
    total = np.sum(list(counts.values()), axis=0)
    is_unseen = np.isin(np.arange(count), records.unseen_classes)
    order = np.lexsort((-total, is_unseen))
    below = np.zeros(count)
    for (name, values), colour in zip(counts.items(), (SEEN, HELD_OUT, UNSEEN), strict=True):
        axes.bar(
            np.arange(count), values[order], bottom=below, width=1.0 if count > 60 else 0.8, color=colour, label=name
        )
        below += values[order]
    axes.set_title("Rows per class")
    axes.set_ylabel("rows")
    axes.set_ylim(0, 1.18 * below.max())
    axes.legend(frameon=False, loc="upper right", ncols=3)
    if count <= NAMED_CLASSES:
        axes.set_xticks(np.arange(count), [records.class_names[k] for k in order], rotation=90 if count > 12 else 0)
    else:
        axes.set_xlabel("classes, seen ones first, by size")


def _draw_values(axes: Any, records: ZeroShotRecords) -> None:
    axes.hist(sampled_rows(records).ravel(), bins=80, color=SEEN, log=True)
    axes.set_ylim(bottom=0.5)
    axes.set_title("Feature values on training rows")
    axes.set_xlabel("value, unscaled")
    axes.set_ylabel("entries (logarithmic)")


def _draw_similarity(figure: Figure, axes: Any, records: ZeroShotRecords) -> None:
    order = np.concatenate([records.seen_classes, records.unseen_classes])
    cosines = cosine_similarity(records.class_vectors)[np.ix_(order, order)]
    image = axes.imshow(cosines, cmap="viridis", interpolation="nearest")
    figure.colorbar(image, ax=axes, shrink=0.8)
    border = len(records.seen_classes) - 0.5
    axes.axhline(border, color="white", linewidth=1)
    axes.axvline(border, color="white", linewidth=1)
    axes.set_title("Cosine of class vectors")
    if len(order) <= NAMED_CLASSES:
        names = [records.class_names[k] for k in order]
        axes.set_xticks(np.arange(len(order)), names, rotation=90 if len(order) > 12 else 0)
        axes.set_yticks(np.arange(len(order)), names)
    else:
        axes.set_xticks([border / 2, (border + len(order)) / 2], ["seen", "unseen"])
        axes.set_yticks([border / 2, (border + len(order)) / 2], ["seen", "unseen"], rotation=90, va="center")
        axes.tick_params(length=0)
