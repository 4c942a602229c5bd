"""`zsl-data describe` of images of classes: splits and grey values in words, training images as a sheet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.console.terminal import filled
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.records import Records
from zsl_runner.tracking.figures.one_image import sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

COLUMNS: Final = 12
ROWS: Final = 12


def summary(records: Records, *more: tuple[str, str]) -> Iterable[str]:
    """Yield what any data have, sizes, facts and remarks, with more by labels before the remarks."""
    yield f"{records.name}: {records.sizes()} ({records.provenance.kind} data)"
    known = (*records.facts(), *more, *records.provenance.remarks())
    yield from (f"  {label:<12} {text}" for label, text in known)


def grey_values(images: NDArray[np.uint8]) -> tuple[str, str]:
    """Return mean and deviation of all values, for a `summary`."""
    return "pixels", f"mean {images.mean() / 255:.4f}, deviation {images.std() / 255:.4f} in 0..1"


def describe(records: ImageRecords) -> Iterable[str]:
    """Yield sizes, splits, grey values and, of each class, its share of the splits."""
    yield from summary(records, grey_values(records.images), ("split", records.provenance.split_version))
    if records.labels is not None:
        head, *names = names_column(records.class_names)
        yield head + "".join(f" {name:>8}" for name in (*records.splits(), "labelled"))
        columns = [records.labels[rows] for rows in (*records.splits().values(), records.labelled)]
        for number, name in enumerate(names):
            yield name + "".join(f" {int((column == number).sum()):>8,}" for column in columns)


def names_column(class_names: Sequence[str]) -> list[str]:
    """Return the first column of a table of classes: its heading and the names, all equally wide."""
    return [f"  {name}" for name in filled(["class".ljust(12), *class_names])]


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
    pictures = [[picture(records.images[row]) for row in rows] for _, rows in lines]
    return sheet(pictures, f"{records.name}: {records.sizes()}", [name for name, _ in lines])


def picture(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return an image (C, H, W) as it is drawn, grey as (H, W)."""
    return image[0] if len(image) == 1 else image.transpose(1, 2, 0)
