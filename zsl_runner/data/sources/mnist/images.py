"""Reads MNIST's images and labels from its idx files, gzipped or plain. Never imports torch."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.images.pixels import resized
from zsl_runner.data.records import Provenance, Rows, SourceFile
from zsl_runner.data.sources.digit_classes import DIGITS
from zsl_runner.data.sources.digit_images import DigitImages
from zsl_runner.data.sources.known_files import MNIST_FILES
from zsl_runner.data.sources.mnist.files import (
    FASHION,
    NAMES,
    SIDE,
    TEST_IMAGES,
    TEST_LABELS,
    TRAIN_IMAGES,
    TRAIN_LABELS,
    MNISTFiles,
    OfficialSplitConf,
)
from zsl_runner.data.sources.published import PUBLISHED
from zsl_runner.errors import DataError, OptionError
from zsl_runner.files.checksums import sha256_of
from zsl_runner.files.folders import expanded
from zsl_runner.files.reading import MOST_PACKED, readable

UNSIGNED_BYTE = 0x08
GZIP = b"\x1f\x8b"
CHUNK = 2**20
IDX = "an idx file, gzipped or plain"
AGAIN = "copy or download it again"


def read_idx(path: Path, dimensions: int) -> NDArray[np.uint8]:
    """Return the array of bytes in an idx file.

    The sizes in the header are believed only as far as the file has bytes for them: no more is read or kept.

    Args:
        path: the file.
        dimensions: expected number of axes: 3 for images, 1 for labels.

    Raises:
        DataError: missing, empty, truncated or damaged file, another type or number of axes, wrong length.
    """
    with readable(path, IDX, "check dataset.root or ZSL_DATA", AGAIN), _unpacked(path) as (stream, most):
        sizes = _sizes(path, stream.read(4 + 4 * dimensions), dimensions)
        wanted, shape = math.prod(sizes), " x ".join(map(str, sizes))
        if wanted > most:
            raise DataError(f"{path}: data: expected {wanted:,} bytes ({shape}), found at most {most:,}; {AGAIN}")
        content, rest = stream.read(wanted), stream.read(CHUNK)
    if len(content) != wanted or rest:
        more = " or more" if len(rest) == CHUNK else ""
        found = f"{len(content) + len(rest):,}{more}"
        raise DataError(f"{path}: data: expected {wanted:,} bytes ({shape}), found {found}; {AGAIN}")
    return np.frombuffer(content, dtype=np.uint8).reshape(sizes)


def _sizes(path: Path, header: bytes, dimensions: int) -> tuple[int, ...]:
    """Return the sizes of the axes that a header declares."""
    expected = bytes((0, 0, UNSIGNED_BYTE, dimensions))
    if header[:4] != expected:
        swapped = header[:3] == expected[:3]
        raise DataError(
            f"{path}: magic number: expected {expected.hex()} (unsigned bytes, {dimensions} axes), found "
            f"{header[:4].hex() or 'nothing'}; "
            + ("were images and labels swapped?" if swapped else f"it is no idx file: {AGAIN}")
        )
    if len(header) < 4 + 4 * dimensions:
        raise DataError(f"{path}: header: expected {4 + 4 * dimensions} bytes, found {len(header)}; {AGAIN}")
    return tuple(int(size) for size in np.frombuffer(header, dtype=">u4", offset=4))


@contextmanager
def _unpacked(path: Path) -> Iterator[tuple[BinaryIO, int]]:
    """Open a file, unpacking it if it is gzipped; also give the most bytes that can be in it."""
    with path.open("rb") as file:
        begin, size = file.read(len(GZIP)), path.stat().st_size
        file.seek(0)
        if begin != GZIP:
            yield file, size
            return
        with gzip.GzipFile(fileobj=file) as unpacked:
            yield unpacked, size * MOST_PACKED  # type: ignore[misc]


def training_images(files: MNISTFiles) -> tuple[NDArray[np.uint8], Rows]:
    """Return the (60000, 28, 28) images and the (60000,) labels of the training file; see `_pair` for errors."""
    return _pair(files, TRAIN_IMAGES, TRAIN_LABELS)


def test_images(files: MNISTFiles) -> tuple[NDArray[np.uint8], Rows]:
    """Return the (10000, 28, 28) images and the (10000,) labels of the test file; see `_pair` for errors."""
    return _pair(files, TEST_IMAGES, TEST_LABELS)


def source_files(files: MNISTFiles) -> tuple[SourceFile, ...]:
    """Return the four files with their checksums.

    Raises:
        DataError: a file is missing, or is one of MNIST's where the data are called Fashion-MNIST.
    """
    found = tuple(SourceFile(str(files.path(name)), sha256_of(files.path(name))) for name in NAMES)
    digits = [Path(file.path).name for file in found if file.sha256 in MNIST_FILES]
    if files.name == FASHION and digits:
        raise DataError(
            f"{expanded(files.root)}: expected Fashion-MNIST (dataset.name={FASHION}), found MNIST's "
            f"{', '.join(digits)}; files of both have the same names. {PUBLISHED[FASHION].remedy()}"
        )
    return found


def digit_images(conf: OfficialSplitConf, side: int | None = None) -> DigitImages:
    """Return the images of both files, those of the test file for testing, the last of the training file to validate.

    Args:
        conf: where the files are, and how many rows of them are for what.
        side: resize to squares of this side; None leaves them as they are.

    Raises:
        DataError: a file is missing, damaged or does not fit the others, or no training row is left.
    """
    files = conf.files()
    train, train_labels = training_images(files)
    test, test_labels = test_images(files)
    first_validation = len(train) - conf.validation_rows
    if first_validation < 1:
        raise OptionError(
            f"{conf.root}: the training file has {len(train):,} images; dataset.validation_rows={conf.validation_rows} "
            "leaves none to train on"
        )
    rows = np.arange(len(train) + len(test))
    kept, tested = rows[:first_validation][: conf.train_limit], rows[len(train) :][: conf.test_limit]
    notes = [f"validation: the last {conf.validation_rows:,} images of the training file"]
    if conf.train_limit is not None:
        notes.append(f"only the first {len(kept):,} training images")
    split = "official test file"
    if conf.test_limit is not None:
        split = f"{split}, its first {len(tested):,} images"
    images = resized(np.concatenate([train, test]), side)
    return DigitImages(
        images=images,
        labels=np.concatenate([train_labels, test_labels]),
        train=kept,
        validation=rows[first_validation : len(train)],
        test=tested,
        provenance=Provenance(
            kind="real",
            feature_kind=f"pixels, {images.shape[-1]}x{images.shape[-1]} in 0..1",
            semantics="",
            split_version=split,
            files=source_files(files),
            notes=tuple(notes),
        ),
        origin=conf.root,
    )


def _pair(files: MNISTFiles, images_name: str, labels_name: str) -> tuple[NDArray[np.uint8], Rows]:
    """Read images and labels that belong together.

    Raises:
        DataError: a file is missing or damaged, sizes differ, images are not 28 x 28, or a digit is absent.
    """
    images = read_idx(files.path(images_name), dimensions=3)
    labels = read_idx(files.path(labels_name), dimensions=1)
    if images.shape[1:] != (SIDE, SIDE):
        found = " x ".join(map(str, images.shape[1:]))
        raise DataError(f"{files.path(images_name)}: expected images of {SIDE} x {SIDE} pixels, found {found}")
    if len(images) != len(labels):
        raise DataError(
            f"{files.path(labels_name)}: expected {len(images)} labels, one for each image of "
            f"{files.path(images_name).name}, found {len(labels)}; the two files are of different sets"
        )
    absent = sorted(set(range(DIGITS)) - set(np.unique(labels).tolist()))
    if absent or labels.max() >= DIGITS:
        raise DataError(
            f"{files.path(labels_name)}: expected all labels 0..{DIGITS - 1} and no others, "
            f"found {np.unique(labels).tolist()}"
        )
    return images, labels.astype(np.int64)
