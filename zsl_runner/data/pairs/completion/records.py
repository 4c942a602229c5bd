"""Images of which a part is observed and a part is to be predicted, as plain numpy arrays. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.images.pixels import contrast_problems
from zsl_runner.data.records import Provenance, Rows, SplitRecords, split_problems

WHITE: Final = 255


@dataclass(frozen=True)
class CompletionRecords(SplitRecords):
    """Images and what of them is seen.

    Attributes:
        name: label of the data set.
        images: (N, H, W) uint8; 255 is 1.
        labels: (N,) int64 what an image shows; no model sees it.
        observed: (H, W) bool.
        predicted: (H, W) bool, disjoint from ``observed``.
        train: row indices.
        validation: row indices.
        test: row indices.
        provenance: where all this came from.
    """

    INVARIANTS: ClassVar[str] = "splits disjoint and in range, a label for each image, images differ and have contrast"

    name: str
    images: NDArray[np.uint8]
    labels: Rows
    observed: NDArray[np.bool_]
    predicted: NDArray[np.bool_]
    train: Rows
    validation: Rows
    test: Rows
    provenance: Provenance = field(repr=False)

    def problems(self) -> list[str]:
        """Return the violated invariants of images, labels and splits."""
        found = []
        count, height, side = self.images.shape
        if side % 2 or height != side:
            found.append(f"images: expected squares with an even side, found {height} x {side}")
        found += contrast_problems(self.images)
        if self.labels.shape != (count,):
            found.append(f"labels: expected {count}, one for each image, found shape {self.labels.shape}")
        return found + split_problems(self.splits(), count)

    def sizes(self) -> str:
        """Return the numbers of images and pixels."""
        count, height, width = self.images.shape
        return f"{count:,} images of {height} x {width} pixels, {int(self.predicted.sum())} of them to be predicted"

    def facts(self) -> Iterable[tuple[str, str]]:
        """Yield what is observed, and the sizes of the splits."""
        yield "task", self.provenance.semantics
        yield "rows", ", ".join(f"{len(rows):,} {name}" for name, rows in self.splits().items())

    def entropy_floor(self, rows: Rows) -> float:
        """Return the mean entropy of the pixels to be predicted, in nats an image.

        With grey values as probabilities it is the smallest negative log-likelihood any model can reach.
        """
        counts = np.bincount(self.images[rows][:, self.predicted].ravel(), minlength=WHITE + 1)
        p = np.arange(1, WHITE) / WHITE
        entropy = -(p * np.log(p) + (1 - p) * np.log(1 - p))
        return float(counts[1:WHITE] @ entropy / len(rows))
