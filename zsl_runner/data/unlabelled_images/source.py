"""Loads pictures without classes."""

from __future__ import annotations

from zsl_runner.data.labelled_images.records import ImageRecords
from zsl_runner.data.picture_set import picture_records
from zsl_runner.data.pictures.walk import pictures_below
from zsl_runner.data.unlabelled_images.conf import UnlabelledImagesConf


def load(conf: UnlabelledImagesConf) -> ImageRecords:
    """Load the pictures.

    Raises:
        DataError: there is none, or a file cannot be read; see `zsl_runner.data.picture_set`.
    """
    return picture_records(pictures_below(conf.folder(), "check dataset.root"), conf, None)
