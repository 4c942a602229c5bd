"""Loads scikit-learn's digits, enlarged, as images to be completed."""

from __future__ import annotations

from typing import Final

import numpy as np
import sklearn
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from zsl_runner.data.completion_records import WHITE, CompletionRecords, completion_records
from zsl_runner.data.digits.source import BRIGHTEST, ORIGIN, digits_checksum
from zsl_runner.data.digits_quadrant.conf import DigitsQuadrantConf
from zsl_runner.data.records import Provenance

SIDE: Final = 28
FIRST_TEST_ROW: Final = 1500


def load(conf: DigitsQuadrantConf) -> CompletionRecords:
    """Load the data set: 1,500 images for training and validation, the last 297 for testing."""
    found = load_digits()
    rows = np.arange(len(found.images))
    first_validation = FIRST_TEST_ROW - conf.validation_rows
    provenance = Provenance(
        kind="embedded",
        feature_kind=f"pixels, 8x8 enlarged to {SIDE}x{SIDE}, in 0..1",
        semantics="",
        split_version="own: last 297 rows for testing",
        files=digits_checksum(found.data),
        notes=(
            f"scikit-learn {sklearn.__version__}",
            f"validation: the last {conf.validation_rows} of the other 1,500 images",
        ),
    )
    split = (rows[:first_validation], rows[first_validation:FIRST_TEST_ROW], rows[FIRST_TEST_ROW:])
    images = np.stack([enlarged(image) for image in found.images])
    return completion_records(conf, images, found.target.astype(np.int64), split, provenance, ORIGIN)


def enlarged(image: NDArray[np.float64]) -> NDArray[np.uint8]:
    """Return an 8 x 8 image with values 0..16 as 28 x 28 bytes, interpolated bilinearly."""
    grey = Image.fromarray((image / BRIGHTEST * WHITE).astype(np.float32))
    return np.round(np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BILINEAR))).astype(np.uint8)
