"""Loads MNIST as labelled images."""

from __future__ import annotations

import numpy as np

from zsl_runner.data.digit_attributes import DIGITS
from zsl_runner.data.labelled_images.labels import labelled_rows
from zsl_runner.data.labelled_images.records import ImageRecords
from zsl_runner.data.labelled_images.resize import resized
from zsl_runner.data.mnist import images
from zsl_runner.data.mnist_images.conf import MNISTImagesConf
from zsl_runner.data.records import Provenance, checked


def load(conf: MNISTImagesConf) -> ImageRecords:
    """Load the data set: the last rows of the training file are for validation, the test file is for testing.

    Raises:
        DataError: a file is missing, damaged or does not fit the others, or too few rows are left.
    """
    split = images.official_split(conf.files(), conf.validation_rows, conf.train_limit, conf.test_limit)
    pixels = resized(split.images, conf.side)
    side = pixels.shape[-1]
    labelled = labelled_rows(split.labels, split.train, DIGITS, conf.labelled, conf.label_seed, conf.root)
    notes = list(split.notes)
    if conf.labelled is not None:
        notes.append(f"{conf.labelled:,} training images with a label, label seed {conf.label_seed}")
    records = ImageRecords(
        name=conf.name,
        images=pixels[:, np.newaxis],
        labels=split.labels,
        class_names=tuple(map(str, range(DIGITS))),
        labelled=labelled,
        train=split.train,
        validation=split.validation,
        test=split.test,
        provenance=Provenance(
            kind="real",
            feature_kind=f"pixels, {side}x{side} in 0..1",
            semantics=f"{DIGITS} classes",
            split_version="official test file",
            files=images.source_files(conf.files()),
            notes=tuple(notes),
        ),
    )
    return checked(records, conf.root)
