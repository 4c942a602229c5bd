"""Reads MNIST's images and labels. Never imports torch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.digit_attributes import DIGITS
from zsl_runner.data.known_files import sha256_of
from zsl_runner.data.mnist.files import NAMES, TEST_IMAGES, TEST_LABELS, TRAIN_IMAGES, TRAIN_LABELS, MNISTFiles
from zsl_runner.data.mnist.idx import read_idx
from zsl_runner.data.records import Rows, SourceFile
from zsl_runner.errors import DataError

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
