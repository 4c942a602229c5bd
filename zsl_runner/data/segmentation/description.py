"""`zsl-data describe` of a segmentation data set: splits, and how many pixels each class has."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zsl_runner.data.segmentation.records import SPLITS, VOID, SegmentationRecords


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
    width = max(5, *(len(name) for name in records.class_names))
    yield f"{'id':>4}  {'class':<{width}}" + "".join(f"  {name:>12}" for name in SPLITS) + "   (per cent of pixels)"
    labels = [*enumerate(records.class_names)]
    if any(count[VOID] for count in counts.values()):
        labels.append((VOID, "void"))
    for label, name in labels:
        shares = "".join(f"  {100 * count[label] / count.sum():12.2f}" for count in counts.values())
        yield f"{label:>4}  {name:<{width}}{shares}"


def _counts(records: SegmentationRecords, split: str) -> np.ndarray:
    labels = records.labels[getattr(records, split)]
    return np.bincount(labels.ravel(), minlength=VOID + 1)
