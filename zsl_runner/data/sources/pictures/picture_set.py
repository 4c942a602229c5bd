"""Reads users' own pictures into arrays of one size. Never imports torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from zsl_runner.data.images.labels import labelled_rows
from zsl_runner.data.images.options import LabelledImagesConf
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.records import Provenance, Rows, SourceFile, checked
from zsl_runner.data.sources.pictures.options import PictureSetConf
from zsl_runner.data.sources.pictures.pixels import notes_on, read_image
from zsl_runner.data.sources.pictures.shares import drawn_split, in_words
from zsl_runner.data.sources.pictures.walk import PictureTree, pictures_below
from zsl_runner.errors import DataError, OptionError
from zsl_runner.files.checksums import sha256_of_all


def picture_records(
    tree: PictureTree, conf: PictureSetConf, labels: Rows | None = None, names: Sequence[str] = ()
) -> ImageRecords:
    """Read the pictures, draw their splits and return the checked data set.

    Args:
        tree: the files.
        conf: sizes and splits; of pictures with labels also how many of these training sees.
        labels: (N,) class of each picture; None if there are no classes.
        names: K names.

    Raises:
        DataError: see `read_pictures` and `drawn_split`; or more labels are asked for than there are.
    """
    paths = [picture.path for picture in tree.pictures]
    images, changes = read_pictures(paths, conf)
    rows = drawn_split(len(paths), conf.shares, conf.split_seed, conf.folder())
    # The others stay in the order in which they were drawn: pictures stand class by class, and who measures on a part
    # of them takes the first.
    rows["train"] = np.sort(rows["train"])
    origin, side = str(conf.folder()), images.shape[-1]
    labelled, notes = np.empty(0, dtype=np.int64), (*notes_on(changes), *tree.notes())
    if labels is not None:
        assert isinstance(conf, LabelledImagesConf)
        labelled = labelled_rows(labels, rows["train"], len(names), conf.labelled, conf.label_seed, origin)
        notes = (*notes, *conf.notes_on_labels())
    records = ImageRecords(
        name=conf.name,
        images=images,
        labels=labels,
        class_names=tuple(names),
        names=tuple(picture.name for picture in tree.pictures),
        labelled=labelled,
        train=rows["train"],
        validation=rows["validation"],
        test=rows["test"],
        provenance=Provenance(
            kind="real",
            feature_kind=f"pixels, {side}x{side}x{images.shape[1]} in 0..1",
            semantics="no classes" if labels is None else f"{len(names)} classes",
            split_version=in_words(conf.shares, conf.split_seed),
            files=contents(conf),
            notes=("checksum over names and contents of the pictures", *notes),
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
        raise OptionError(
            f"{path}: expected at least dataset.crop={side} pixels a side, found {picture.width} x {picture.height}"
        )
    left, top = (picture.width - side) // 2, (picture.height - side) // 2
    picture = picture.crop((left, top, left + side, top + side))
    if conf.side is not None and conf.side != side:
        picture = picture.resize((conf.side, conf.side), Image.Resampling.BILINEAR)
    pixels = np.asarray(picture)
    return pixels.transpose(2, 0, 1) if conf.colour else pixels[np.newaxis], list(shown.changes)
