"""Reads users' own pictures into arrays of one size. Never imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zsl_runner.data.images.labels import labelled_rows
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.records import Provenance, Rows, SourceFile, checked
from zsl_runner.data.sources.pictures.options import PictureSetConf
from zsl_runner.data.sources.pictures.pixels import notes_on, read_image
from zsl_runner.data.sources.pictures.walk import PictureTree, pictures_below
from zsl_runner.errors import DataError
from zsl_runner.files.checksums import sha256_of_all


@dataclass(frozen=True)
class PictureLabels:
    """What the pictures show.

    Attributes:
        labels: (N,) class of each picture.
        names: K names.
        labelled: how many training pictures have a label for training; None for all.
        seed: of that draw.
    """

    labels: Rows
    names: tuple[str, ...]
    labelled: int | None
    seed: int


def picture_records(tree: PictureTree, conf: PictureSetConf, known: PictureLabels | None) -> ImageRecords:
    """Read the pictures, draw their splits and return the checked data set.

    Args:
        tree: the files.
        conf: sizes and splits.
        known: their classes; None if there are none.

    Raises:
        DataError: see `read_pictures` and `drawn_split`; or more labels are asked for than there are.
    """
    paths = [picture.path for picture in tree.pictures]
    images, changes = read_pictures(paths, conf)
    train, validation, test = drawn_split(len(paths), conf)
    origin, side = str(conf.folder()), images.shape[-1]
    labelled = np.empty(0, dtype=np.int64)
    if known is not None:
        labelled = labelled_rows(known.labels, train, len(known.names), known.labelled, known.seed, origin)
    records = ImageRecords(
        name=conf.name,
        images=images,
        labels=None if known is None else known.labels,
        class_names=() if known is None else known.names,
        labelled=labelled,
        train=train,
        validation=validation,
        test=test,
        provenance=Provenance(
            kind="real",
            feature_kind=f"pixels, {side}x{side}x{images.shape[1]} in 0..1",
            semantics="no classes" if known is None else f"{len(known.names)} classes",
            split_version=f"own (shares {', '.join(f'{share:g}' for share in conf.shares)}, seed {conf.split_seed})",
            files=contents(conf),
            notes=("checksum over names and contents of the pictures", *notes_on(changes), *tree.notes()),
        ),
    )
    return checked(records, origin)


def read_pictures(paths: Sequence[Path], conf: PictureSetConf) -> tuple[NDArray[np.uint8], list[str]]:
    """Return (N, C, S, S) bytes of all pictures, and what was done to show them (see `Shown`).

    Raises:
        DataError: a file is no picture, is smaller than ``crop``, or without ``side`` the squares differ in size.
    """
    first, changes = _square(paths[0], conf)
    images = np.empty((len(paths), *first.shape), dtype=np.uint8)
    images[0] = first
    for place, path in enumerate(paths[1:], start=1):
        picture, more = _square(path, conf)
        changes += more
        if picture.shape != first.shape:
            raise DataError(
                f"{path}: expected a square of {first.shape[-1]} pixels like that of {paths[0]}, found "
                f"{picture.shape[-1]}; give dataset.side to resize all"
            )
        images[place] = picture
    return images, changes


def drawn_split(count: int, conf: PictureSetConf) -> tuple[Rows, Rows, Rows]:
    """Return ascending rows of training, validation and test images.

    Raises:
        DataError: there are too few pictures for three splits.
    """
    order = np.random.default_rng(conf.split_seed).permutation(count)
    ends = np.round(np.cumsum(conf.shares[:-1]) * count).astype(np.int64)
    train, validation, test = (np.sort(part) for part in np.split(order, ends))
    if min(len(train), len(validation), len(test)) == 0:
        raise DataError(
            f"{conf.folder()}: {count} pictures are too few for dataset.shares={list(conf.shares)}: a split has none"
        )
    return train, validation, test


def contents(conf: PictureSetConf) -> tuple[SourceFile, ...]:
    """Return the folder with one checksum over the names and contents of all pictures in it.

    Raises:
        DataError: there is no picture, or a file cannot be read.
    """
    folder = conf.folder()
    paths = [picture.path for picture in pictures_below(folder, "check dataset.root").pictures]
    return (SourceFile(conf.root, sha256_of_all(paths, folder)),)


def _square(path: Path, conf: PictureSetConf) -> tuple[NDArray[np.uint8], list[str]]:
    """Return (C, S, S) bytes of the square in the middle of a picture, and what was done to show it."""
    shown = read_image(path, colour=conf.colour)
    picture = shown.picture()
    side = min(picture.size) if conf.crop is None else conf.crop
    if side > min(picture.size):
        raise DataError(
            f"{path}: expected at least dataset.crop={side} pixels a side, found {picture.width} x {picture.height}"
        )
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture = picture.crop((left, top, left + side, top + side))
    if conf.side is not None and conf.side != side:
        picture = picture.resize((conf.side, conf.side), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture)
    return pixels.transpose(2, 0, 1) if conf.colour else pixels[np.newaxis], list(shown.changes)
