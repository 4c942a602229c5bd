"""Digits as images of ten classes, none of them left out: all or some with their labels, or to be completed."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.images.labels import labelled_rows
from zsl_runner.data.images.options import ImagesConf, LabelledImagesConf
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.pairs.completion.options import QuadrantConf, quadrant_mask
from zsl_runner.data.pairs.completion.records import CompletionRecords
from zsl_runner.data.records import Provenance, Rows, checked
from zsl_runner.data.sources.digit_classes import DIGITS


@dataclass(frozen=True)
class DigitImages:
    """All images, and which of them are for what.

    Attributes:
        images: (N, side, side) bytes.
        labels: (N,).
        train: row indices.
        validation: row indices.
        test: row indices.
        provenance: where they came from; what is predicted is left to the records.
        origin: their folder or source, for messages.
    """

    images: NDArray[np.uint8]
    labels: Rows
    train: Rows
    validation: Rows
    test: Rows
    provenance: Provenance
    origin: str


def image_records(digits: DigitImages, conf: ImagesConf) -> ImageRecords:
    """Return checked records; training sees all labels unless ``conf`` says how many.

    Raises:
        DataError: there are too few images for so many labels, or a split is empty.
    """
    labelled, provenance = digits.train, replace(digits.provenance, semantics=f"{DIGITS} classes")
    if isinstance(conf, LabelledImagesConf):
        labelled = labelled_rows(digits.labels, digits.train, DIGITS, conf.labelled, conf.label_seed, digits.origin)
        provenance = replace(provenance, notes=(*provenance.notes, *conf.notes_on_labels()))
    records = ImageRecords(
        name=conf.name,
        images=digits.images[:, np.newaxis],
        labels=digits.labels,
        class_names=tuple(map(str, range(DIGITS))),
        labelled=labelled,
        train=digits.train,
        validation=digits.validation,
        test=digits.test,
        provenance=provenance,
    )
    return checked(records, digits.origin)


def completion_records(digits: DigitImages, conf: QuadrantConf) -> CompletionRecords:
    """Return checked records of images of which ``conf`` says what is observed and what is to be predicted.

    Raises:
        DataError: the side is odd, a split is empty, or the images are without any contrast.
    """
    side = digits.images.shape[-1]
    predicted = quadrant_mask(conf.predicted_quadrants(), side)
    observed = ", ".join(conf.observed_quadrants())
    semantics = f"observed: {observed}; {int(predicted.sum())} {conf.target} pixels to be predicted"
    records = CompletionRecords(
        name=conf.name,
        images=digits.images,
        labels=digits.labels,
        observed=quadrant_mask(conf.observed_quadrants(), side),
        predicted=predicted,
        train=digits.train,
        validation=digits.validation,
        test=digits.test,
        provenance=replace(digits.provenance, semantics=semantics),
    )
    return checked(records, digits.origin)
