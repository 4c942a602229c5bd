"""The digits each split may draw from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

from zsl_runner.data.records import Rows, SourceFile
from zsl_runner.data.sources.digit_canvas.conf import CanvasOptions
from zsl_runner.data.sources.digits.images import BRIGHTEST, digits_checksum
from zsl_runner.data.sources.mnist import images
from zsl_runner.errors import DataError, OptionError

INK: Final = 32
"""Brightness (of 255) below which the border of a digit's image is cut off."""

VALIDATION_SHARE: Final = 1 / 6
EMBEDDED_TEST_SHARE: Final = 1 / 5


@dataclass(frozen=True)
class DigitPool:
    """Digits of one split.

    Attributes:
        images: (n, h, w) uint8 coverage by ink, 0 to 255.
        labels: (n,) digits.
    """

    images: NDArray[np.uint8]
    labels: Rows


def source_files(conf: CanvasOptions) -> tuple[SourceFile, ...]:
    """Return the files the digits come from, with their checksums."""
    return images.source_files(conf.mnist()) if conf.source == "mnist" else digits_checksum(load_digits().data)


def digit_pools(conf: CanvasOptions) -> dict[str, DigitPool]:
    """Return disjoint pools for ``train``, ``validation`` and ``test``.

    The last sixth of MNIST's training file is for validation and its test file for testing. The embedded digits, which
    are one set, are cut by shares after a permutation that never changes.

    Raises:
        DataError: a file is missing, damaged or does not fit the others; there are fewer different digits than a canvas
            may need.
    """
    if conf.source == "mnist":
        train = DigitPool(*images.training_images(conf.mnist()))
        test = DigitPool(*images.test_images(conf.mnist()))
    else:
        found = load_digits()
        ink = np.round(found.images * (255 / BRIGHTEST)).astype(np.uint8)
        labels = found.target.astype(np.int64)
        order = np.random.default_rng(0).permutation(len(ink))
        first_test = len(order) - round(EMBEDDED_TEST_SHARE * len(order))
        train = DigitPool(ink[order[:first_test]], labels[order[:first_test]])
        test = DigitPool(ink[order[first_test:]], labels[order[first_test:]])
    kept = len(train.images) - round(VALIDATION_SHARE * len(train.images))
    pools = {
        "train": DigitPool(train.images[:kept], train.labels[:kept]),
        "validation": DigitPool(train.images[kept:], train.labels[kept:]),
        "test": test,
    }
    for pool in (train, test):
        if not (pool.images.reshape(len(pool.images), -1).max(1) > INK).all():
            raise DataError(f"{conf.root}: expected a digit in every image of the idx files, found an empty one")
    for split, pool in pools.items():
        if conf.distinct and len(np.unique(pool.labels)) < conf.digits[1]:
            raise OptionError(
                f"dataset.distinct: expected {conf.digits[1]} different digits among those for {split} canvases, found "
                f"{len(np.unique(pool.labels))}; use fewer digits or distinct=false"
            )
    return pools
