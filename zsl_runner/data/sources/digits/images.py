"""Scikit-learn's digits as larger images, and the split of those who do not leave out classes. Never imports torch."""

from __future__ import annotations

import hashlib
from typing import Final

import numpy as np
import sklearn
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from zsl_runner.config.schema import DatasetConf
from zsl_runner.data.records import Provenance, SourceFile
from zsl_runner.data.sources.digit_images import DigitImages
from zsl_runner.data.sources.digits.conf import NOT_FOR_TESTING

WHITE: Final = 255
BRIGHTEST: Final = 16
ORIGIN: Final = "sklearn.datasets.load_digits"


def digits_checksum(pixels: NDArray[np.float64]) -> tuple[SourceFile, ...]:
    """Return the (n, 64) pixels that scikit-learn ships as the one file of the data set."""
    return (SourceFile(ORIGIN, hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest()),)


def contents(_conf: DatasetConf) -> tuple[SourceFile, ...]:
    """Return what all data sets of these digits are made of."""
    return digits_checksum(load_digits().data)


def enlarged_digits(side: int, validation_rows: int) -> DigitImages:
    """Return the digits enlarged to squares of ``side``, the last ``validation_rows`` of 1,500 for validation."""
    found = load_digits()
    rows = np.arange(len(found.images))
    first_validation = NOT_FOR_TESTING - validation_rows
    provenance = Provenance(
        kind="embedded",
        feature_kind=f"pixels, 8x8 enlarged to {side}x{side}, in 0..1",
        semantics="",
        split_version="own: last 297 rows for testing",
        files=digits_checksum(found.data),
        notes=(
            f"scikit-learn {sklearn.__version__}",
            f"validation: the last {validation_rows} of the other 1,500 images",
        ),
    )
    return DigitImages(
        np.stack([enlarged(image, side) for image in found.images]),
        found.target.astype(np.int64),
        rows[:first_validation],
        rows[first_validation:NOT_FOR_TESTING],
        rows[NOT_FOR_TESTING:],
        provenance,
        ORIGIN,
    )


def enlarged(image: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """Return an 8 x 8 image with values 0..16 as (side, side) bytes, interpolated bilinearly."""
    grey = Image.fromarray((image / BRIGHTEST * WHITE).astype(np.float32))
    return np.round(np.asarray(grey.resize((side, side), Image.Resampling.BILINEAR))).astype(np.uint8)
