"""Images of classes as numpy arrays. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import Provenance, Records, Rows
from zsl_runner.data.splits import split_problems

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class ImageRecords(Records):
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
    """

    INVARIANTS: ClassVar[str] = "splits disjoint and in range, labels fit classes, some pixels differ"
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

    def splits(self) -> dict[str, Rows]:
        """Return the row indices under ``train``, ``val`` and ``test``."""
        return {"train": self.train, "val": self.validation, "test": self.test}

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

    def description(self) -> Iterable[str]:
        """Yield sizes, splits, grey values and, of each class, its share of the splits."""
        yield f"{self.name}: {self.sizes()} ({self.provenance.kind} data)"
        for label, fact in self.facts():
            yield f"  {label:<12} {fact}"
        yield f"  {'pixels':<12} mean {self.images.mean() / 255:.4f}, deviation {self.images.std() / 255:.4f} in 0..1"
        yield f"  {'split':<12} {self.provenance.split_version}"
        yield from (f"  {label:<12} {text}" for label, text in self.provenance.remarks())
        if self.labels is not None:
            yield f"  {'class':<12}" + "".join(f" {name:>8}" for name in (*self.splits(), "labelled"))
            columns = [self.labels[rows] for rows in (*self.splits().values(), self.labelled)]
            for number, name in enumerate(self.class_names):
                yield f"  {name:<12}" + "".join(f" {int((column == number).sum()):>8,}" for column in columns)

    def figure(self) -> Figure:
        """Return a sheet of training images; see `zsl_runner.data.labelled_images.figure`."""
        from zsl_runner.data.labelled_images.figure import draw

        return draw(self)


def _image_problems(images: NDArray[np.uint8]) -> list[str]:
    if images.ndim != 4 or images.size == 0 or images.shape[1] not in (1, 3):
        return [f"images: expected shape (N, 1 or 3, H, W), found {images.shape}"]
    if images.dtype != np.uint8:
        return [f"images: expected uint8, found {images.dtype}"]
    if images.min() == images.max():
        return ["images: expected contrast, found one single grey value"]
    return []
