"""Images with label maps as numpy arrays. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.images.files import PictureFiles
from zsl_runner.data.images.pixels import contrast_doubts, contrast_problems
from zsl_runner.data.records import Provenance, Rows, SplitRecords, split_problems
from zsl_runner.files.names import some

VOID: Final = 255
"""Label of pixels that count neither in training nor in a metric."""

MOST_CLASSES: Final = VOID
SPLITS: Final = ("train", "validation", "test")
VOID_COLOUR: Final = (255, 255, 255)
COLOURS: Final = (
    (30, 30, 34),
    (230, 159, 0),
    (86, 180, 233),
    (0, 158, 115),
    (240, 228, 66),
    (0, 114, 178),
    (213, 94, 0),
    (204, 121, 167),
    (136, 34, 85),
    (153, 153, 51),
    (170, 170, 170),
    (95, 75, 200),
    (170, 240, 190),
    (17, 90, 40),
    (250, 190, 170),
    (110, 60, 20),
    (60, 220, 60),
    (220, 30, 60),
    (150, 220, 250),
    (230, 60, 220),
    (110, 120, 140),
)
"""Of the labels 0, 1, ...; further labels take them in turn, without the background's."""


@dataclass(frozen=True)
class SegmentationRecords(PictureFiles, SplitRecords):
    """A segmentation data set in memory.

    Attributes:
        name: label of the data set.
        images: (N, 3, H, W) uint8, red, green, blue.
        labels: (N, H, W) uint8 in 0..K-1, or `VOID`.
        train: row indices of the training split.
        validation: row indices of the validation split.
        test: row indices of the test split.
        provenance: where all this came from.

    Names of classes and images, and sizes of files, are those of `PictureFiles`.
    """

    INVARIANTS: ClassVar[str] = (
        "a label for each pixel of each image, labels fit classes, splits disjoint, in range and not void"
    )
    name: str
    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]
    train: Rows
    validation: Rows
    test: Rows
    provenance: Provenance = field(repr=False)

    def sizes(self) -> str:
        """Return the numbers of images, pixels and classes."""
        count, _, height, width = self.images.shape
        return f"{count:,} images of {width} x {height} pixels, {len(self.class_names)} classes of pixels"

    def facts(self) -> Iterable[tuple[str, str]]:
        """Yield the labels and the sizes of the splits."""
        yield "labels", self.provenance.semantics
        yield "rows", ", ".join(f"{len(getattr(self, name)):,} {name}" for name in SPLITS)

    def problems(self) -> list[str]:
        """Return the violated invariants of images, labels and splits."""
        found = _array_problems(self) + split_problems(self.splits(), len(self.images))
        return found or contrast_problems(self.images) + _void_problems(self)

    def doubts(self) -> list[str]:
        """Return which classes have no pixel in a split, and how many training masks are void everywhere."""
        found = contrast_doubts(self.images)
        for split in SPLITS:
            counts = np.bincount(self.labels[getattr(self, split)].ravel(), minlength=VOID + 1)
            if absent := [name for label, name in enumerate(self.class_names) if not counts[label]]:
                found.append(f"No pixel of {some(absent)} is in the {'training' if split == 'train' else split} masks.")
        if void := len(_void_everywhere(self.labels, self.train)):
            found.append(
                f"{void:,} of {len(self.train):,} training masks are void everywhere: nothing is learnt from them."
            )
        return found


def colour_map(labels: NDArray[np.integer]) -> NDArray[np.uint8]:
    """Return (..., H, W, 3) colours of (..., H, W) labels in 0..255; void is white."""
    table = np.empty((VOID + 1, 3), dtype=np.uint8)
    table[0] = COLOURS[0]
    for label in range(1, VOID):
        table[label] = COLOURS[1 + (label - 1) % (len(COLOURS) - 1)]
    table[VOID] = VOID_COLOUR
    colours: NDArray[np.uint8] = table[labels]
    return colours


def _void_everywhere(labels: NDArray[np.uint8], rows: Rows) -> Rows:
    """Return the rows whose masks have no pixel that counts."""
    return rows[[bool((labels[row] == VOID).all()) for row in rows]]


def _void_problems(records: SegmentationRecords) -> list[str]:
    """Return which metrics nobody could compute: those of images without a pixel that counts."""
    found = []
    for split in SPLITS:
        rows = getattr(records, split)
        void = _void_everywhere(records.labels, rows)
        if len(void) == len(rows) or (len(void) and split != "train"):
            found.append(
                f"labels: {split}: expected masks with pixels that are not void, found {len(void)} of {len(rows)} void "
                "everywhere"
            )
    return found


def _array_problems(records: SegmentationRecords) -> list[str]:
    found = []
    images, labels, classes = records.images, records.labels, len(records.class_names)
    if images.ndim != 4 or images.shape[1] != 3 or images.size == 0:
        return [f"images: expected shape (N, 3, H, W), found {images.shape}"]
    for name, array in (("images", images), ("labels", labels)):
        if array.dtype != np.uint8:
            found.append(f"{name}: expected uint8, found {array.dtype}")
    expected = (len(images), *images.shape[2:])
    if labels.shape != expected:
        found.append(f"labels: expected shape {expected}, one label for each pixel, found {labels.shape}")
    if not 2 <= classes <= MOST_CLASSES:
        found.append(f"class_names: expected 2 to {MOST_CLASSES}, found {classes}")
    present = np.flatnonzero(np.bincount(labels.ravel(), minlength=VOID + 1))
    strange = present[(present >= classes) & (present != VOID)]
    if len(strange):
        found.append(f"labels: expected 0..{classes - 1} or {VOID} (void), found {strange[:5].tolist()}")
    return found
