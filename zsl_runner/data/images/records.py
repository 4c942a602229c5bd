"""Images of classes as numpy arrays. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.images.pixels import contrast_doubts, contrast_problems
from zsl_runner.data.records import SPLIT_NAMES, Provenance, Rows, SplitRecords, split_problems
from zsl_runner.files.names import alike, some


@dataclass(frozen=True)
class ImageRecords(SplitRecords):
    """A data set of images in memory.

    Attributes:
        name: label of the data set.
        images: (N, C, H, W) uint8; 255 is 1.
        labels: (N,) int64 in 0..K-1; None if nobody knows.
        class_names: K names; empty without labels.
        labelled: training rows, ascending, whose label training may see.
        train: row indices.
        validation: row indices.
        test: row indices.
        provenance: where all this came from.
        factors: (N, F) int64 values of the factors an image was made from; None if it was not.
        factor_names: F names.
        names: paths of the images' files below their folder; empty if they are of no files.
    """

    INVARIANTS: ClassVar[str] = "splits disjoint and in range, labels fit classes, images differ and have contrast"
    name: str
    images: NDArray[np.uint8]
    labels: Rows | None
    class_names: tuple[str, ...]
    labelled: Rows
    train: Rows
    validation: Rows
    test: Rows
    provenance: Provenance = field(repr=False)
    factors: NDArray[np.int64] | None = None
    factor_names: tuple[str, ...] = ()
    names: tuple[str, ...] = ()

    def problems(self) -> list[str]:
        """Return the violated invariants of images, labels, factors and splits."""
        count = len(self.images)
        found = _image_problems(self.images)
        if self.labels is not None:
            if self.labels.shape != (count,):
                found.append(f"labels: expected {count}, one for each image, found shape {self.labels.shape}")
            elif count and (self.labels.min() < 0 or self.labels.max() >= len(self.class_names)):
                low, high = int(self.labels.min()), int(self.labels.max())
                found.append(f"labels: expected 0..{len(self.class_names) - 1}, found {low}..{high}")
        if self.factors is not None and self.factors.shape != (count, len(self.factor_names)):
            expected = (count, len(self.factor_names))
            found.append(f"factors: expected shape {expected}, found {self.factors.shape}")
        found += split_problems(self.splits(), count)
        if not np.isin(self.labelled, self.train).all():
            found.append("labelled: expected training rows only")
        return found

    def doubts(self) -> list[str]:
        """Return what is declared and does not occur: classes without rows in a split; names that are nearly one."""
        found = contrast_doubts(self.images)
        if self.labels is not None:
            labelled = {} if len(self.labelled) == len(self.train) else {"labelled": self.labelled}
            names = SPLIT_NAMES | {"labelled": "labelled training"}
            for split, rows in (self.splits() | labelled).items():
                counts = np.bincount(self.labels[rows], minlength=len(self.class_names))
                if absent := [name for name, count in zip(self.class_names, counts, strict=True) if not count]:
                    found.append(f"No image of {some(absent)} is among the {names[split]} images.")
        if near := alike(self.class_names):
            found.append(f"Classes whose names differ in the case of letters only: {some(near)}.")
        return found

    def sizes(self) -> str:
        """Return the numbers of images, pixels and classes."""
        count, channels, height, width = self.images.shape
        classes = f", {len(self.class_names)} classes" if self.class_names else ""
        return f"{count:,} images of {width} x {height} pixels, {channels} channel{'s'[: channels != 1]}{classes}"

    def facts(self) -> Iterable[tuple[str, str]]:
        """Yield the sizes of the splits, and how many labels training may see."""
        yield "rows", ", ".join(f"{len(rows):,} {name}" for name, rows in self.splits().items())
        if self.labels is not None:
            yield "labels", f"{len(self.labelled):,} of the training images have one"
        if self.factors is not None:
            values = (len(np.unique(column)) for column in self.factors.T)
            yield "factors", ", ".join(f"{name} ({n})" for name, n in zip(self.factor_names, values, strict=True))


def _image_problems(images: NDArray[np.uint8]) -> list[str]:
    if images.ndim != 4 or images.size == 0 or images.shape[1] not in (1, 3):
        return [f"images: expected shape (N, 1 or 3, H, W), found {images.shape}"]
    if images.dtype != np.uint8:
        return [f"images: expected uint8, found {images.dtype}"]
    return contrast_problems(images)
