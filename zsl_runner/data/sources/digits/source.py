"""Loads scikit-learn's digits: as zero-shot data, as labelled images, as images to be completed, as tasks."""

from __future__ import annotations

import numpy as np
import sklearn
from sklearn.datasets import load_digits

from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.pairs.completion.records import CompletionRecords
from zsl_runner.data.records import Provenance, checked
from zsl_runner.data.sources.digit_classes import digit_attributes, digit_split
from zsl_runner.data.sources.digit_images import completion_records, image_records
from zsl_runner.data.sources.digits.conf import SIDE, DigitsConf, DigitsImagesConf, DigitsQuadrantConf, SplitDigitsConf
from zsl_runner.data.sources.digits.images import BRIGHTEST, ORIGIN, digits_checksum, enlarged_digits
from zsl_runner.data.zero_shot.draws import held_out_rows
from zsl_runner.data.zero_shot.records import ZeroShotRecords


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


def load_images(conf: DigitsImagesConf | SplitDigitsConf) -> ImageRecords:
    """Load the data set: 1,500 images for training and validation, the last 297 for testing."""
    return image_records(enlarged_digits(conf.side or SIDE, conf.validation_rows), conf)


def load_quadrants(conf: DigitsQuadrantConf) -> CompletionRecords:
    """Load the data set; rows as in `load_images`."""
    return completion_records(enlarged_digits(SIDE, conf.validation_rows), conf)
