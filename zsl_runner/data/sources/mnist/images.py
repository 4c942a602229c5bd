"""Reads MNIST's images and labels. Never imports torch."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import Rows, SourceFile
from zsl_runner.data.sources.digit_classes import DIGITS
from zsl_runner.data.sources.mnist.files import NAMES, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, MNISTFiles
from zsl_runner.data.sources.mnist.idx import read_idx
from zsl_runner.errors import DataError
from zsl_runner.files.checksums import sha256_of

SIDE = 28


def training_images(files: MNISTFiles) -> tuple[NDArray[np.uint8], Rows]:
    """Return the (60000, 28, 28) images and the (60000,) labels of the training file; see `_pair` for errors."""
    return _pair(files, TRAIN_IMAGES, TRAIN_LABELS)


def test_images(files: MNISTFiles) -> tuple[NDArray[np.uint8], Rows]:
    """Return the (10000, 28, 28) images and the (10000,) labels of the test file; see `_pair` for errors."""
    return _pair(files, TEST_IMAGES, TEST_LABELS)


def source_files(files: MNISTFiles) -> tuple[SourceFile, ...]:
    """Return the four files with their checksums."""
    return tuple(SourceFile(str(files.path(name)), sha256_of(files.path(name))) for name in NAMES)


@dataclass(frozen=True)
class OfficialSplit:
    """All images, and which of them are for what.

    Attributes:
        images: (N, 28, 28) bytes: those of the training file, then those of the test file.
        labels: (N,).
        train: row indices.
        validation: the last rows of the training file.
        test: the rows of the test file.
        notes: what a reader of a result should know.
    """

    images: NDArray[np.uint8]
    labels: Rows
    train: Rows
    validation: Rows
    test: Rows
    notes: tuple[str, ...]


def official_split(
    files: MNISTFiles, validation_rows: int, train_limit: int | None, test_limit: int | None
) -> OfficialSplit:
    """Return both files' images, the last of the training file for validation.

    Args:
        files: where they are.
        validation_rows: how many are for validation.
        train_limit: take only the first training rows; None takes all.
        test_limit: take only the first test rows; None takes all.

    Raises:
        DataError: a file is missing, damaged or does not fit the others, or no training row is left.
    """
    train, train_labels = training_images(files)
    test, test_labels = test_images(files)
    first_validation = len(train) - validation_rows
    if first_validation < 1:
        raise DataError(
            f"{files.root}: the training file has {len(train):,} images; dataset.validation_rows={validation_rows} "
            "leaves none to train on"
        )
    rows = np.arange(len(train) + len(test))
    kept, tested = rows[:first_validation][:train_limit], rows[len(train) :][:test_limit]
    notes = [f"validation: the last {validation_rows:,} images of the training file"]
    if train_limit is not None:
        notes.append(f"only the first {len(kept):,} training images")
    if test_limit is not None:
        notes.append(f"only the first {len(tested):,} test images")
    return OfficialSplit(
        np.concatenate([train, test]),
        np.concatenate([train_labels, test_labels]),
        kept,
        rows[first_validation : len(train)],
        tested,
        tuple(notes),
    )


def _pair(files: MNISTFiles, images_name: str, labels_name: str) -> tuple[NDArray[np.uint8], Rows]:
    """Read images and labels that belong together.

    Raises:
        DataError: a file is missing or damaged, sizes differ, images are not 28 x 28, or a digit is absent.
    """
    images = read_idx(files.path(images_name), dimensions=3)
    labels = read_idx(files.path(labels_name), dimensions=1)
    if images.shape[1:] != (SIDE, SIDE):
        found = " x ".join(map(str, images.shape[1:]))
        raise DataError(f"{files.path(images_name)}: expected images of {SIDE} x {SIDE} pixels, found {found}")
    if len(images) != len(labels):
        raise DataError(
            f"{files.path(labels_name)}: expected {len(images)} labels, one for each image of "
            f"{files.path(images_name).name}, found {len(labels)}; the two files are of different sets"
        )
    absent = sorted(set(range(DIGITS)) - set(np.unique(labels).tolist()))
    if absent or labels.max() >= DIGITS:
        raise DataError(
            f"{files.path(labels_name)}: expected all labels 0..{DIGITS - 1} and no others, "
            f"found {np.unique(labels).tolist()}"
        )
    return images, labels.astype(np.int64)
