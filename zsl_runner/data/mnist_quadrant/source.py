"""Loads MNIST as images to be completed."""

from __future__ import annotations

from zsl_runner.data.completion_records import CompletionRecords, completion_records
from zsl_runner.data.mnist import images
from zsl_runner.data.mnist_quadrant.conf import MNISTQuadrantConf
from zsl_runner.data.records import Provenance


def load(conf: MNISTQuadrantConf) -> CompletionRecords:
    """Load the data set: the last rows of the training file are for validation, the test file is for testing.

    Raises:
        DataError: a file is missing, damaged or does not fit the others, or too few rows are left.
    """
    split = images.official_split(conf.files(), conf.validation_rows, conf.train_limit, conf.test_limit)
    provenance = Provenance(
        kind="real",
        feature_kind="pixels, 28x28 in 0..1",
        semantics="",
        split_version="official test file",
        files=images.source_files(conf.files()),
        notes=split.notes,
    )
    rows = (split.train, split.validation, split.test)
    return completion_records(conf, split.images, split.labels, rows, provenance, conf.root)
