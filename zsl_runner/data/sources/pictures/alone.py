"""Reads pictures of which nothing is known as those of a data set are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from zsl_runner.data.images.files import same_size
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.records import Records, only_tested
from zsl_runner.data.sources.pictures.options import PictureSetConf
from zsl_runner.data.sources.pictures.picture_set import read_pictures
from zsl_runner.data.sources.pictures.walk import pictures_below


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
