"""`zsl-data describe` of tagged images: splits, how often each tag and its pixels occur; images above their masks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from zsl_runner.data.command.describe.images import grey_values, names_column, summary
from zsl_runner.data.command.describe.segmentation import masked_sheet
from zsl_runner.data.pairs.segmentation.records import VOID
from zsl_runner.data.tagged.records import TaggedRecords

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def describe(records: TaggedRecords) -> Iterable[str]:
    """Yield sizes, splits, and of each class the share of images with its tag and of pixels in the masks."""
    yield from summary(records, grey_values(records.images), ("split", records.provenance.split_version))
    splits = records.splits()
    head, *names = names_column(records.class_names)
    yield head + "".join(f" {name:>14}" for name in splits) + "   (per cent of images / of pixels)"
    pixels = {name: _pixel_shares(records, name) for name in splits}
    for number, name in enumerate(names):
        cells = ""
        for split, rows in splits.items():
            tagged = f"{100 * records.tags[rows][:, number - 1].mean():.1f}" if number else ""
            cells += f" {f'{tagged} / {pixels[split][number]}':>14}"
        yield name + cells


def _pixel_shares(records: TaggedRecords, split: str) -> list[str]:
    """Return the share of each class among the pixels of a split's masks in per cent, a dash if there are none."""
    rows = records.splits()[split]
    classes = len(records.class_names)
    if records.masks is None or not records.has_mask(rows).any():
        return ["-"] * classes
    counts = np.bincount(records.masks[rows].ravel(), minlength=VOID + 1)[:classes]
    return [f"{100 * count / counts.sum():.2f}" for count in counts]


def draw(records: TaggedRecords) -> Figure:
    """Return images of each split above their masks, or alone if there are none."""
    return masked_sheet(f"{records.name}: {records.sizes()}", records.images, records.masks, records.splits())
