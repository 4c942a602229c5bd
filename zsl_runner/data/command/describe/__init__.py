"""What `zsl-data describe` says and draws of records; each kind of data has its own way.

A package with its own kind of records registers functions for it: ``@describe.register`` and ``@draw.register``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import singledispatch
from typing import TYPE_CHECKING

from zsl_runner.data.command.describe import completion, images, segmentation, tagged, zero_shot
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.pairs.completion.records import CompletionRecords
from zsl_runner.data.pairs.segmentation.records import SegmentationRecords
from zsl_runner.data.records import Records
from zsl_runner.data.tagged.records import TaggedRecords
from zsl_runner.data.zero_shot.records import ZeroShotRecords

if TYPE_CHECKING:
    from matplotlib.figure import Figure


DPI = 110
"""Dots per inch of the figures."""


@singledispatch
def describe(records: Records) -> Iterable[str]:
    """Yield the lines of a summary for people.

    Raises:
        TypeError: no way is registered for such records.
    """
    raise TypeError(f"{type(records).__name__} has no description")


@singledispatch
def draw(records: Records) -> Figure:
    """Return a picture of the data.

    Raises:
        TypeError: no way is registered for such records.
    """
    raise TypeError(f"{type(records).__name__} has no picture")


for kind, way in (
    (ZeroShotRecords, zero_shot),
    (ImageRecords, images),
    (CompletionRecords, completion),
    (SegmentationRecords, segmentation),
    (TaggedRecords, tagged),
):
    describe.register(kind, way.describe)
    draw.register(kind, way.draw)
