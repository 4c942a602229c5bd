"""Loads MNIST: as zero-shot data, as labelled images, as images to be completed, as tasks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.pairs.completion.records import CompletionRecords
from zsl_runner.data.records import Provenance, Rows, checked
from zsl_runner.data.sources.digit_classes import digit_attributes, digit_split
from zsl_runner.data.sources.digit_images import completion_records, image_records
from zsl_runner.data.sources.mnist import images
from zsl_runner.data.sources.mnist.conf import MNISTConf, MNISTImagesConf, MNISTQuadrantConf, SplitMNISTConf
from zsl_runner.data.sources.mnist.files import SIDE
from zsl_runner.data.zero_shot.records import ZeroShotRecords


def load(conf: MNISTConf) -> ZeroShotRecords:
    """Load the data set: 784 pixels in 0..1 per row.

    Seen digits are trained on the training file and tested on the test file; unseen digits are only taken from the
    test file, and their rows in the training file are left out.

    Raises:
        DataError: a file is missing, damaged or does not fit the others.
    """
    split = digit_split(conf)
    train_images, train_labels = images.training_images(conf.files())
    test_images, test_labels = images.test_images(conf.files())
    train_rows = np.flatnonzero(np.isin(train_labels, split.seen))
    test_rows = np.arange(len(test_labels))
    if conf.limit is not None:
        train_rows = _first_of_each(train_labels, train_rows, conf.limit)
        test_rows = _first_of_each(test_labels, test_rows, conf.limit)
    labels = np.concatenate([train_labels[train_rows], test_labels[test_rows]])
    is_test = np.arange(len(labels)) >= len(train_rows)
    is_seen = np.isin(labels, split.seen)
    names, vectors = digit_attributes(conf.attributes)
    limited = "" if conf.limit is None else f", the first {conf.limit} rows of each digit"
    records = ZeroShotRecords(
        name=conf.name,
        features=_unit_pixels(train_images[train_rows], test_images[test_rows]),
        labels=labels,
        class_vectors=vectors,
        class_names=tuple(map(str, range(len(vectors)))),
        seen_classes=split.seen,
        unseen_classes=split.unseen,
        trainval=np.flatnonzero(~is_test),
        test_seen=np.flatnonzero(is_test & is_seen),
        test_unseen=np.flatnonzero(is_test & ~is_seen),
        validation_classes=split.validation,
        provenance=Provenance(
            kind="real",
            feature_kind="pixels, 28x28 in 0..1",
            semantics=f"{conf.attributes}: {len(names)} hand-made attributes in 0..1",
            split_version=f"{split.name}{limited}",
            files=images.source_files(conf.files()),
            notes=(f"validation digits {', '.join(map(str, split.validation))}",),
        ),
        image_shape=(1, SIDE, SIDE),
    )
    return checked(records, conf.root)


def load_images(conf: MNISTImagesConf | SplitMNISTConf) -> ImageRecords:
    """Load the data set: the last rows of the training file are for validation, the test file is for testing.

    Raises:
        DataError: a file is missing, damaged or does not fit the others, or too few rows are left.
    """
    return image_records(images.digit_images(conf, conf.side), conf)


def load_quadrants(conf: MNISTQuadrantConf) -> CompletionRecords:
    """Load the data set; rows and errors as in `load_images`."""
    return completion_records(images.digit_images(conf), conf)


def _first_of_each(labels: Rows, rows: Rows, count: int) -> Rows:
    return np.sort(np.concatenate([rows[labels[rows] == label][:count] for label in np.unique(labels[rows])]))


def _unit_pixels(train: NDArray[np.uint8], test: NDArray[np.uint8]) -> NDArray[np.float32]:
    pixels = np.empty((len(train) + len(test), SIDE * SIDE), dtype=np.float32)
    np.divide(train.reshape(len(train), -1), 255, out=pixels[: len(train)], casting="same_kind", dtype=np.float32)
    np.divide(test.reshape(len(test), -1), 255, out=pixels[len(train) :], casting="same_kind", dtype=np.float32)
    return pixels
