"""Reads pictures of which nothing is known, neither mask nor tag, as those of a data set are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from zsl_runner.data.images.files import same_size
from zsl_runner.data.pairs.segmentation.records import VOID, SegmentationRecords
from zsl_runner.data.records import Records, only_tested
from zsl_runner.data.sources.image_folder.conf import ImageFolderConf, PictureFolderOptions, TaggedFolderConf
from zsl_runner.data.sources.image_folder.files import pictures_by_name
from zsl_runner.data.sources.image_folder.pictures import PicturePairs, read_pairs
from zsl_runner.data.tagged.records import TaggedRecords


def for_masks(conf: ImageFolderConf, records: Records, folder: Path) -> SegmentationRecords:
    """Return the pictures in a folder and below it as test rows of records of images with masks, here all void.

    Raises:
        DataError: there is no picture, one cannot be read, or they have not the size of the records' images.
    """
    assert isinstance(records, SegmentationRecords)
    names, pairs = _read(conf, folder)
    same_size(folder, pairs.images, records.images)
    return replace(
        records,
        images=pairs.images,
        labels=pairs.labels,
        names=names,
        file_sizes=pairs.sizes,
        **only_tested(len(names)),
    )


def for_tags(conf: TaggedFolderConf, records: Records, folder: Path) -> TaggedRecords:
    """Return the pictures in a folder and below it as test rows of records of tagged images, here without a tag.

    Raises:
        DataError: see `for_masks`.
    """
    assert isinstance(records, TaggedRecords)
    names, pairs = _read(conf, folder)
    same_size(folder, pairs.images, records.images)
    return replace(
        records,
        images=pairs.images,
        tags=np.zeros((len(names), records.tags.shape[1]), dtype=bool),
        masks=np.full_like(pairs.labels, VOID),
        names=names,
        file_sizes=pairs.sizes,
        **only_tested(len(names)),
    )


def _read(conf: PictureFolderOptions, folder: Path) -> tuple[tuple[str, ...], PicturePairs]:
    pictures = pictures_by_name(folder, "check the path")
    names = tuple(sorted(pictures))
    return names, read_pairs([(pictures[name], None) for name in names], conf)
