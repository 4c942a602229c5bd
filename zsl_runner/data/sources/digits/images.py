"""Scikit-learn's digits as larger images, and the split of those who do not leave out classes. Never imports torch."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np
import sklearn
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

from zsl_runner.config.schema import DatasetConf
from zsl_runner.data.records import Provenance, Rows, SourceFile
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


@dataclass(frozen=True)
class EnlargedDigits:
    """All 1,797 images, and which of them are for what.

    Attributes:
        images: (N, side, side) bytes.
        labels: (N,).
        train: row indices.
        validation: the last of the first 1,500 rows.
        test: the other rows.
        provenance: where they came from; what is predicted is left to the caller.
    """

    images: NDArray[np.uint8]
    labels: Rows
    train: Rows
    validation: Rows
    test: Rows
    provenance: Provenance


def enlarged_digits(side: int, validation_rows: int) -> EnlargedDigits:
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
    return EnlargedDigits(
        np.stack([enlarged(image, side) for image in found.images]),
        found.target.astype(np.int64),
        rows[:first_validation],
        rows[first_validation:NOT_FOR_TESTING],
        rows[NOT_FOR_TESTING:],
        provenance,
    )


def enlarged(image: NDArray[np.float64], side: int) -> NDArray[np.uint8]:
    """Return an 8 x 8 image with values 0..16 as (side, side) bytes, interpolated bilinearly."""
    grey = Image.fromarray((image / BRIGHTEST * WHITE).astype(np.float32))
    return np.round(np.asarray(grey.resize((side, side), Image.Resampling.BILINEAR))).astype(np.uint8)
