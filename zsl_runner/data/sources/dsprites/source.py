"""Loads dSprites; its rows are read without holding all of the file: 3 GB of pixels are packed in 26 MB."""

from __future__ import annotations

import math
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.images.labels import labelled_rows
from zsl_runner.data.images.pixels import resized
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.records import Provenance, Rows, SourceFile, checked
from zsl_runner.data.sources.dsprites.conf import SIDE, DSpritesConf
from zsl_runner.data.sources.published import PUBLISHED
from zsl_runner.errors import DataError, OptionError
from zsl_runner.files.checksums import sha256_of
from zsl_runner.files.reading import MOST_PACKED, readable

FACTORS: Final = ("color", "shape", "scale", "orientation", "position x", "position y")
SHAPES: Final = ("square", "ellipse", "heart")
IMAGES, CLASSES = "imgs", "latents_classes"
ARCHIVE: Final = f"an archive of the arrays {IMAGES} and {CLASSES}"
CHECK: Final = "check dataset.root or ZSL_DATA"
AGAIN: Final = f"get it again from {PUBLISHED['dsprites'].home}"
CHUNK: Final = 4096
"""Images unpacked at a time."""


def read_factors(path: Path) -> NDArray[np.int64]:
    """Return (N, 6) values of the factors.

    Raises:
        DataError: the file is missing or damaged, or has another layout.
    """
    with readable(path, ARCHIVE, CHECK, AGAIN):
        factors = _factors(path)
    shapes = np.unique(factors[:, FACTORS.index("shape")])
    if not np.isin(shapes, range(len(SHAPES))).all():
        raise DataError(f"{path}: {CLASSES}: expected shapes 0..{len(SHAPES) - 1}, found {shapes.tolist()}")
    return np.asarray(factors, dtype=np.int64)


def read_images(path: Path, rows: Rows, count: int) -> NDArray[np.uint8]:
    """Return the (n, 64, 64) images of ascending rows; white is 255.

    Args:
        path: the file.
        rows: which images.
        count: how many the file should have.

    Raises:
        DataError: the file is damaged or has another layout.
    """
    with readable(path, ARCHIVE, CHECK, AGAIN):
        images = _images(path, rows, count)
    if images.max(initial=0) > 1:
        raise DataError(f"{path}: {IMAGES}: expected pixels of 0 and 1, found {images.max()}")
    images *= 255
    return images


@contextmanager
def _array(path: Path, name: str) -> Iterator[tuple[IO[bytes], tuple[int, ...], bool, np.dtype[Any]]]:
    """Open an array of the archive: a stream behind its header, its shape, whether columns come first, its type.

    Raises:
        ValueError: the header declares more bytes than the archive can hold.
    """
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as stream:
        version = np.lib.format.read_magic(stream)
        header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = header(stream)
        declared = math.prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or declared > MOST_PACKED * path.stat().st_size:
            raise ValueError(f"{name}: a header of {dtype} of shape {shape}, more than the file can hold")
        yield stream, shape, fortran, dtype
        if stream.read(1):  # also where the archive's checksum is compared
            raise ValueError(f"{name}: more bytes than its header declares")


def _factors(path: Path) -> NDArray[Any]:
    with _array(path, CLASSES) as (stream, shape, fortran, dtype):
        if len(shape) != 2 or shape[1] != len(FACTORS) or dtype.kind not in "iu":
            raise DataError(
                f"{path}: {CLASSES}: expected whole numbers of shape (N, {len(FACTORS)}), found {dtype} of shape "
                f"{shape}; {AGAIN}"
            )
        content = _exactly(stream, math.prod(shape) * dtype.itemsize, CLASSES)
    return np.frombuffer(content, dtype=dtype).reshape(shape, order="F" if fortran else "C")


def _exactly(stream: IO[bytes], size: int, name: str) -> bytes:
    content = stream.read(size)
    if len(content) != size:
        raise EOFError(f"{name}: the file ends too early")
    return content


def _images(path: Path, rows: Rows, count: int) -> NDArray[np.uint8]:
    with _array(path, IMAGES) as (stream, shape, fortran, dtype):
        if shape != (count, SIDE, SIDE) or dtype != np.uint8 or fortran:
            raise DataError(
                f"{path}: {IMAGES}: expected uint8 of shape {(count, SIDE, SIDE)}, one image for each row of "
                f"{CLASSES}, found {dtype} of shape {shape}; {AGAIN}"
            )
        images = np.empty((len(rows), SIDE, SIDE), dtype=np.uint8)
        done = 0
        for first in range(0, count, CHUNK):
            size = min(CHUNK, count - first)
            content = _exactly(stream, size * SIDE * SIDE, IMAGES)
            wanted = rows[done : np.searchsorted(rows, first + size)]
            chunk = np.frombuffer(content, dtype=np.uint8).reshape(size, SIDE, SIDE)
            images[done : done + len(wanted)] = chunk[wanted - first]
            done += len(wanted)
    return images


def load(conf: DSpritesConf) -> ImageRecords:
    """Load the data set: test and validation images drawn at random, the others to train on.

    Raises:
        DataError: the file is missing, damaged or of another layout, or too few images are left to train on.
    """
    path = conf.path()
    factors = read_factors(path)
    generator = np.random.default_rng(conf.split_seed)
    rows = np.arange(len(factors))
    if conf.limit is not None and conf.limit < len(factors):
        rows = np.sort(generator.permutation(len(factors))[: conf.limit])
    order = generator.permutation(len(rows))
    test, validation, train = np.split(order, [conf.test_rows, conf.test_rows + conf.validation_rows])
    if len(train) == 0:
        raise OptionError(
            f"{path}: of {len(rows):,} images dataset.test_rows={conf.test_rows} and "
            f"dataset.validation_rows={conf.validation_rows} leave none to train on"
        )
    pixels = resized(read_images(path, rows, len(factors)), conf.side)
    labels = factors[rows, FACTORS.index("shape")]
    train = np.sort(train)
    limited = "" if len(rows) == len(factors) else f"; {len(rows):,} of {len(factors):,} images, drawn at random"
    records = ImageRecords(
        name=conf.name,
        images=pixels[:, np.newaxis],
        labels=labels,
        class_names=SHAPES,
        labelled=labelled_rows(labels, train, len(SHAPES), conf.labelled, conf.label_seed, str(path)),
        train=train,
        # In the order in which they were drawn: the file's is that of the factors, and who measures on a part of them
        # takes the first.
        validation=validation,
        test=test,
        provenance=Provenance(
            kind="generated",
            feature_kind=f"pixels, {pixels.shape[-1]}x{pixels.shape[-1]} in 0..1",
            semantics=f"{len(SHAPES)} shapes",
            split_version=f"own ({conf.test_rows:,} for testing at random, seed {conf.split_seed}{limited})",
            files=(SourceFile(str(path), sha256_of(path)),),
            notes=conf.notes_on_labels(),
        ),
        factors=factors[rows],
        factor_names=FACTORS,
    )
    return checked(records, str(path))
