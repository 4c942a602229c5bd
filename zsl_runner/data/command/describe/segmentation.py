"""`zsl-data describe` of a segmentation data set: splits and shares of classes; images above their label maps."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.console.terminal import filled
from zsl_runner.data.command.describe.images import picture
from zsl_runner.data.pairs.segmentation.records import SPLITS, VOID, SegmentationRecords, colour_map
from zsl_runner.data.records import Rows
from zsl_runner.tracking.figures.one_image import sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

SHOWN: Final = 12


def describe(records: SegmentationRecords) -> Iterable[str]:
    """Yield a summary of the data set, line by line."""
    source = records.provenance
    yield f"{records.name}: {records.sizes()} ({source.kind} data)"
    yield ""
    yield f"images         {source.feature_kind}"
    for channel, name in enumerate(("red", "green", "blue")):
        values = records.images[:, channel]
        yield f"               {name:<7}mean {values.mean():6.2f}, deviation {values.std():6.2f} of 255"
    yield f"labels         {source.semantics}"
    yield f"split          {source.split_version}"
    for name in SPLITS:
        yield f"               {name:<12}{len(getattr(records, name)):>7,} images"
    for label, text in source.remarks():
        yield f"{label:<15}{text}"
    yield ""
    yield from _class_table(records)


def _class_table(records: SegmentationRecords) -> Iterable[str]:
    counts = {name: _counts(records, name) for name in SPLITS}
    head, *names = filled(["class", *records.class_names])
    yield f"{'id':>4}  {head}" + "".join(f"  {name:>12}" for name in SPLITS) + "   (per cent of pixels)"
    labels = [*enumerate(names)]
    if any(count[VOID] for count in counts.values()):
        labels.append((VOID, "void".ljust(len(head))))
    for label, name in labels:
        shares = "".join(f"  {100 * count[label] / count.sum():12.2f}" for count in counts.values())
        yield f"{label:>4}  {name}{shares}"


def _counts(records: SegmentationRecords, split: str) -> np.ndarray:
    labels = records.labels[getattr(records, split)]
    return np.bincount(labels.ravel(), minlength=VOID + 1)


def draw(records: SegmentationRecords) -> Figure:
    """Return images of each split above their label maps."""
    rows = {split: getattr(records, split) for split in SPLITS}
    return masked_sheet(f"{records.name}: {records.sizes()}", records.images, records.labels, rows)


def masked_sheet(
    title: str, images: NDArray[np.uint8], labels: NDArray[np.uint8] | None, splits: Mapping[str, Rows]
) -> Figure:
    """Return the first images of each split, above their label maps if there are any.

    Args:
        title: above all.
        images: (N, 1 or 3, H, W).
        labels: (N, H, W), see `colour_map`.
        splits: row indices by the splits' names.
    """
    names, lines = [], []
    for split, rows in splits.items():
        if not len(rows):
            continue
        names.append(split)
        lines.append([picture(images[row]) for row in rows[:SHOWN]])
        if labels is not None:
            names.append("masks")
            lines.append([colour_map(labels[row]) for row in rows[:SHOWN]])
    return sheet(lines, title, names)
