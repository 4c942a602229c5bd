"""Loads scikit-learn's digits, enlarged, as labelled images."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from zsl_runner.data.digit_attributes import DIGITS
from zsl_runner.data.digits.images import enlarged_digits
from zsl_runner.data.digits.source import ORIGIN
from zsl_runner.data.digits_images.conf import DigitsImagesConf
from zsl_runner.data.labelled_images.labels import labelled_rows
from zsl_runner.data.labelled_images.records import ImageRecords
from zsl_runner.data.records import checked


def load(conf: DigitsImagesConf) -> ImageRecords:
    """Load the data set: 1,500 images for training and validation, the last 297 for testing."""
    digits = enlarged_digits(conf.image_side(), conf.validation_rows)
    labelled = labelled_rows(digits.labels, digits.train, DIGITS, conf.labelled, conf.label_seed, ORIGIN)
    notes = digits.provenance.notes
    if conf.labelled is not None:
        notes = (*notes, f"{conf.labelled:,} training images with a label, label seed {conf.label_seed}")
    records = ImageRecords(
        name=conf.name,
        images=digits.images[:, np.newaxis],
        labels=digits.labels,
        class_names=tuple(map(str, range(DIGITS))),
        labelled=labelled,
        train=digits.train,
        validation=digits.validation,
        test=digits.test,
        provenance=replace(digits.provenance, semantics=f"{DIGITS} classes", notes=notes),
    )
    return checked(records, ORIGIN)
