"""Loads users' own pictures: in folders of classes, without classes, or others in place of a data set's."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from zsl_runner.data.images.files import same_size
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.records import Records, only_tested
from zsl_runner.data.sources.pictures.classes import LAYOUT, class_pictures
from zsl_runner.data.sources.pictures.conf import ImageClassesConf, UnlabelledImagesConf
from zsl_runner.data.sources.pictures.options import PictureSetConf
from zsl_runner.data.sources.pictures.picture_set import picture_records, read_pictures
from zsl_runner.data.sources.pictures.walk import pictures_below
from zsl_runner.errors import DataError


def load_classes(conf: ImageClassesConf) -> ImageRecords:
    """Load the pictures; a class is a folder in ``root``, and pictures in folders below it belong to it.

    Raises:
        DataError: a picture belongs to no class, a folder has no picture, there is but one class, or a file cannot be
            read; see `zsl_runner.data.sources.pictures.picture_set`.
    """
    root = conf.folder()
    tree, classes = class_pictures(
        root, "check dataset.root", "use dataset=unlabelled_images for pictures without classes"
    )
    names = sorted(set(classes))
    if len(names) < 2:
        raise DataError(f"{root}: {LAYOUT}, found one class, {names[0]}; use dataset=unlabelled_images")
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers[name] for name in classes], dtype=np.int64)
    return picture_records(tree, conf, labels, names)


def load_unlabelled(conf: UnlabelledImagesConf) -> ImageRecords:
    """Load the pictures.

    Raises:
        DataError: there is none, or a file cannot be read; see `zsl_runner.data.sources.pictures.picture_set`.
    """
    return picture_records(pictures_below(conf.folder(), "check dataset.root"), conf)


def other_pictures(conf: PictureSetConf, records: Records, folder: Path) -> ImageRecords:
    """Return the pictures in a folder and below it as test rows of records of images, here without a class.

    Raises:
        DataError: there is no picture, one cannot be read, or they have not the size of the records' images.
    """
    assert isinstance(records, ImageRecords)
    pictures = pictures_below(folder, "check the path").pictures
    images, _ = read_pictures([picture.path for picture in pictures], conf)
    same_size(folder, images, records.images)
    return replace(
        records,
        images=images,
        labels=None,
        labelled=np.empty(0, dtype=np.int64),
        factors=None,
        names=tuple(picture.name for picture in pictures),
        **only_tested(len(images)),
    )
