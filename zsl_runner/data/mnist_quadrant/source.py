"""Loads MNIST as images to be completed."""

from __future__ import annotations

import numpy as np

from zsl_runner.data.completion_records import CompletionRecords, completion_records
from zsl_runner.data.mnist import images
from zsl_runner.data.mnist_quadrant.conf import MNISTQuadrantConf
from zsl_runner.data.records import Provenance
from zsl_runner.errors import DataError


def load(conf: MNISTQuadrantConf) -> CompletionRecords:
    """Load the data set: the last rows of the training file are for validation, the test file is for testing.

    Raises:
        DataError: a file is missing, damaged or does not fit the others, or too few rows are left.
    """
    train, train_labels = images.training_images(conf.files())
    test, test_labels = images.test_images(conf.files())
    first_validation = len(train) - conf.validation_rows
    if first_validation < 1:
        raise DataError(
            f"{conf.root}: the training file has {len(train):,} images; dataset.validation_rows={conf.validation_rows} "
            "leaves none to train on"
        )
    rows = (
        np.arange(first_validation)[: conf.train_limit],
        np.arange(first_validation, len(train)),
        np.arange(len(train), len(train) + len(test))[: conf.test_limit],
    )
    notes = [f"validation: the last {conf.validation_rows:,} images of the training file"]
    if conf.train_limit is not None:
        notes.append(f"only the first {len(rows[0]):,} training images")
    if conf.test_limit is not None:
        notes.append(f"only the first {len(rows[2]):,} test images")
    provenance = Provenance(
        kind="real",
        feature_kind="pixels, 28x28 in 0..1",
        semantics="",
        split_version="official test file",
        files=images.source_files(conf.files()),
        notes=tuple(notes),
    )
    labels = np.concatenate([train_labels, test_labels])
    return completion_records(conf, np.concatenate([train, test]), labels, rows, provenance, conf.root)
