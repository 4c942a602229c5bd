"""Tagged images as numpy arrays. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.images.files import PictureFiles
from zsl_runner.data.images.pixels import contrast_doubts, contrast_problems
from zsl_runner.data.pairs.segmentation.records import MOST_CLASSES, VOID
from zsl_runner.data.records import SPLIT_NAMES, Provenance, Rows, SplitRecords, split_problems
from zsl_runner.files.names import some


@dataclass(frozen=True)
class TaggedRecords(PictureFiles, SplitRecords):
    """A data set of tagged images in memory.

    Attributes:
        name: label of the data set.
        images: (N, C, H, W) uint8, one channel or three.
        tags: (N, K - 1) bool, which classes but the background an image shows.
        train: row indices of the training split.
        validation: row indices of the validation split.
        test: row indices of the test split.
        provenance: where all this came from.
        masks: (N, H, W) uint8 in 0..K-1, or `zsl_runner.data.pairs.segmentation.records.VOID`; None if nobody knows.
            Training sees them only if its procedure needs them, which is a bound.

    Names of classes and images, and sizes of files, are those of `PictureFiles`.
    """

    INVARIANTS: ClassVar[str] = "each image has a tag, splits disjoint and in range, masks fit images and classes"
    name: str
    images: NDArray[np.uint8]
    tags: NDArray[np.bool_]
    train: Rows
    validation: Rows
    test: Rows
    provenance: Provenance = field(repr=False)
    masks: NDArray[np.uint8] | None = None

    def sizes(self) -> str:
        """Return the numbers of images, pixels and classes."""
        count, channels, height, width = self.images.shape
        return (
            f"{count:,} images of {width} x {height} pixels, {channels} channel{'s'[: channels != 1]}, "
            f"{len(self.class_names) - 1} tags"
        )

    def facts(self) -> Iterable[tuple[str, str]]:
        """Yield the tags, the sizes of the splits, and how many images of each have a mask."""
        yield "tags", f"{self.tags.sum() / len(self.tags):.2f} an image: {self.provenance.semantics}"
        yield "rows", ", ".join(f"{len(rows):,} {name}" for name, rows in self.splits().items())
        yield "masks", ", ".join(f"{int(self.has_mask(rows).sum()):,} {name}" for name, rows in self.splits().items())

    def has_mask(self, rows: Rows) -> NDArray[np.bool_]:
        """Return (n,) which of some images have a mask with a pixel that counts."""
        if self.masks is None:
            return np.zeros(len(rows), dtype=bool)
        return np.array([bool((self.masks[row] != VOID).any()) for row in rows], dtype=bool)

    def problems(self) -> list[str]:
        """Return the violated invariants of images, tags, masks and splits."""
        found = _array_problems(self)
        return found or split_problems(self.splits(), len(self.images)) + contrast_problems(self.images)

    def doubts(self) -> list[str]:
        """Return which classes no image of a split shows, and where tags and masks contradict each other."""
        found = contrast_doubts(self.images)
        for split, rows in self.splits().items():
            name = SPLIT_NAMES[split]
            counts = self.tags[rows].sum(axis=0)
            if absent := [tag for tag, count in zip(self.class_names[1:], counts, strict=True) if not count]:
                found.append(f"No {name} image is tagged with {some(absent)}.")
            always = [tag for tag, count in zip(self.class_names[1:], counts, strict=True) if count == len(rows)]
            if split == "train" and always:
                found.append(
                    f"Every {name} image is tagged with {some(always)}: tags alone cannot tell from the background "
                    "what is always there."
                )
            found += self._mask_doubts(name, rows, measured=split != "train")
        return found

    def _mask_doubts(self, name: str, rows: Rows, measured: bool) -> list[str]:
        """Return where the masks of a split are missing or contradict the tags."""
        known = rows[self.has_mask(rows)]
        pairs = [(self.tags[row], self._in_mask(row)) for row in known]
        without = sum(bool((tags & ~masked).any()) for tags, masked in pairs)
        beyond = sum(bool((masked & ~tags).any()) for tags, masked in pairs)
        found = []
        if measured and 0 < len(known) < len(rows):
            found.append(f"{name} images without a mask to measure by: {len(rows) - len(known):,} of {len(rows):,}.")
        if without:
            found.append(f"{name} masks without a pixel of one of the image's tags: {without:,} of {len(known):,}.")
        if beyond:
            found.append(
                f"{name} masks with pixels of a class the image is not tagged with: {beyond:,} of {len(known):,}."
            )
        return [text.capitalize() for text in found]

    def _in_mask(self, row: int) -> NDArray[np.bool_]:
        """Return (K - 1,) which classes but the background have a pixel in the mask of an image."""
        assert self.masks is not None
        counts = np.bincount(self.masks[row].ravel(), minlength=VOID + 1)
        return np.asarray(counts[1 : len(self.class_names)] > 0)


def _array_problems(records: TaggedRecords) -> list[str]:
    images, tags, masks, classes = records.images, records.tags, records.masks, len(records.class_names)
    if images.ndim != 4 or images.size == 0 or images.shape[1] not in (1, 3):
        return [f"images: expected shape (N, 1 or 3, H, W), found {images.shape}"]
    found = []
    if images.dtype != np.uint8:
        found.append(f"images: expected uint8, found {images.dtype}")
    if not 2 <= classes <= MOST_CLASSES:
        found.append(f"class_names: expected 2 to {MOST_CLASSES}, the background's first, found {classes}")
    if tags.shape != (len(images), classes - 1) or tags.dtype != np.bool_:
        found.append(
            f"tags: expected bool of shape {(len(images), classes - 1)}, one for each image and each class but the "
            f"background, found {tags.dtype} of shape {tags.shape}"
        )
    elif len(bare := np.flatnonzero(~tags.any(1))):
        found.append(f"tags: expected at least one for each image, found none for {len(bare)} (row {bare[0]} first)")
    if masks is not None:
        expected = (len(images), *images.shape[2:])
        if masks.shape != expected or masks.dtype != np.uint8:
            found.append(f"masks: expected uint8 of shape {expected}, found {masks.dtype} of shape {masks.shape}")
        elif len(strange := np.setdiff1d(np.unique(masks), [*range(classes), VOID])):
            found.append(f"masks: expected 0..{classes - 1} or {VOID} (void), found {strange[:5].tolist()}")
    return found
