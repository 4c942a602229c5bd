"""`zsl-data describe` of images to be completed: splits and entropy floor in words, test images as a sheet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

from zsl_runner.data.command.describe.images import summary
from zsl_runner.data.pairs.completion.records import CompletionRecords
from zsl_runner.tracking.figures.one_image import sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS = 10
UNSEEN = 128
"""The grey in the place of what is to be predicted."""


def describe(records: CompletionRecords) -> Iterable[str]:
    """Yield sizes, splits and the entropy floor."""
    floor = records.entropy_floor(records.test)
    meaning = "mean entropy of the grey pixels to be predicted in a test image"
    yield from summary(records, ("floor", f"{floor:.2f} nats: {meaning}"))


def draw(records: CompletionRecords) -> Figure:
    """Return ten test images, one of each label as far as there are so many: whole, and as they are observed."""
    labels = records.labels[records.test]
    _, first = np.unique(labels, return_index=True)
    rows = records.test[first][:COLUMNS]
    whole = [records.images[row].astype(np.uint8) for row in rows]
    seen = [np.where(records.observed, image, UNSEEN).astype(np.uint8) for image in whole]
    return sheet([whole, seen], f"{records.name}: {records.provenance.semantics}", ["whole", "observed"])
