"""Loads scikit-learn's digits as a zero-shot data set."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import sklearn
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from zsl_runner.config.schema import DatasetConf
from zsl_runner.data.digit_attributes import digit_attributes
from zsl_runner.data.digit_folds import digit_split
from zsl_runner.data.digits.conf import DigitsConf
from zsl_runner.data.holdout import held_out_rows
from zsl_runner.data.records import Provenance, SourceFile, ZeroShotRecords, checked

BRIGHTEST: Final = 16
ORIGIN: Final = "sklearn.datasets.load_digits"


def digits_checksum(pixels: NDArray[np.float64]) -> tuple[SourceFile, ...]:
    """Return the (n, 64) pixels that scikit-learn ships as the one file of the data set."""
    return (SourceFile(ORIGIN, hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()),)


def contents(_conf: DatasetConf) -> tuple[SourceFile, ...]:
    """Return what all data sets of these digits are made of."""
    return digits_checksum(load_digits().data)


def load(conf: DigitsConf) -> ZeroShotRecords:
    """Load the data set: 64 pixels in 0..1 per row; a seeded share of each seen digit is test_seen."""
    pixels, target = load_digits(return_X_y=True)
    labels = target.astype(np.int64)
    split = digit_split(conf)
    is_seen = np.isin(labels, split.seen)
    trainval, test_seen = held_out_rows(labels, np.flatnonzero(is_seen), conf.test_share, conf.test_seed)
    names, vectors = digit_attributes(conf.attributes)
    records = ZeroShotRecords(
        name=conf.name,
        features=(pixels / BRIGHTEST).astype(np.float32),
        labels=labels,
        class_vectors=vectors,
        class_names=tuple(map(str, range(len(vectors)))),
        seen_classes=split.seen,
        unseen_classes=split.unseen,
        trainval=trainval,
        test_seen=test_seen,
        test_unseen=np.flatnonzero(~is_seen),
        validation_classes=split.validation,
        provenance=Provenance(
            kind="embedded",
            feature_kind="pixels, 8x8 in 0..1",
            semantics=f"{conf.attributes}: {len(names)} hand-made attributes in 0..1",
            split_version=split.name,
            files=digits_checksum(pixels),
            notes=(
                f"scikit-learn {sklearn.__version__}",
                f"validation digits {', '.join(map(str, split.validation))}",
                f"test_seen: {conf.test_share:g} of each seen digit, seed {conf.test_seed}",
            ),
        ),
        image_shape=(1, 8, 8),
    )
    return checked(records, ORIGIN)
