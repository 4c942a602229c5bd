"""What `zsl-data import` is asked for, and what it makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import Rows

LEAST_SEEN: Final = 2
"""Fewest seen classes: with one alone there is nothing to tell apart in training."""


def unit(vectors: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the (C, A) class vectors, none of which is zero, with unit L2 norm."""
    exact = vectors.astype(np.float64)
    return np.asarray(exact / np.linalg.norm(exact, axis=1, keepdims=True))


@dataclass(frozen=True)
class Request:
    """The options of the command; a file may be given as ``FILE:VARIABLE``.

    Attributes:
        folder: where to write.
        features: file of the features.
        class_vectors: file of the class vectors.
        labels: file of the labels; None reads them beside the features.
        class_names: file of the classes' names; None reads them beside the class vectors, if they are there.
        unseen: names of the unseen classes with commas between, or a file of them.
        draw_unseen: draw so many unseen classes instead.
        validation: names of the validation classes, or a file of them.
        draw_validation: draw so many instead; None for both leaves the choice to ``dataset.validation_classes``.
        test_rows: file of the rows of seen classes that are for testing; None draws a share of each class.
        test_share: that share.
        features_turned: whether the features are D x N.
        class_vectors_turned: whether the class vectors are A x C.
        first: the number of the first class and the first row in the files, 0 or 1.
        feature_kind: the features in words.
        seed: of all draws.
    """

    folder: Path
    features: str
    class_vectors: str
    labels: str | None = None
    class_names: str | None = None
    unseen: str | None = None
    draw_unseen: int | None = None
    validation: str | None = None
    draw_validation: int | None = None
    test_rows: str | None = None
    test_share: float = 0.2
    features_turned: bool = False
    class_vectors_turned: bool = False
    first: int = 0
    feature_kind: str | None = None
    seed: int = 0


@dataclass(frozen=True)
class Understood:
    """The arrays to be written; all indices count from 0.

    Attributes:
        features: (N, D) float32.
        labels: (N,) class ids.
        class_vectors: (C, A) float32, as given.
        class_names: C names.
        images: N names of images, or None.
        trainval: rows of seen classes for training.
        test_seen: rows of seen classes for testing.
        test_unseen: rows of unseen classes.
        validation_classes: ids of the validation classes, or None.
        split: the split in words.
        lines: (what, in words) of all this, to be shown.
    """

    features: NDArray[np.float32]
    labels: Rows
    class_vectors: NDArray[np.float32]
    class_names: tuple[str, ...]
    images: tuple[str, ...] | None
    trainval: Rows
    test_seen: Rows
    test_unseen: Rows
    validation_classes: Rows | None
    split: str
    lines: tuple[tuple[str, str], ...]
