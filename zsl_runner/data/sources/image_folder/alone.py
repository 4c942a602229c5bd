"""Reads pictures of which nothing is known, neither mask nor tag, as those of a data set are read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from zsl_runner.data.images.files import same_size
from zsl_runner.data.pairs.segmentation.records import SegmentationRecords
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
    pairs, shared = _read(conf, records, folder)
    return replace(records, labels=pairs.labels, **shared)


def for_tags(conf: TaggedFolderConf, records: Records, folder: Path) -> TaggedRecords:
    """Return the pictures in a folder and below it as test rows of records of tagged images, here without a tag.

    Raises:
        DataError: see `for_masks`.
    """
    assert isinstance(records, TaggedRecords)
    pairs, shared = _read(conf, records, folder)
    tags = np.zeros((len(pairs.images), records.tags.shape[1]), dtype=bool)
    return replace(records, tags=tags, masks=pairs.labels, **shared)


def _read(
    conf: PictureFolderOptions, records: SegmentationRecords | TaggedRecords, folder: Path
) -> tuple[PicturePairs, dict[str, Any]]:
    """Return the pictures, whose labels are void, and what both kinds of records hold of them."""
    pictures = pictures_by_name(folder, "check the path")
    names = tuple(sorted(pictures))
    pairs = read_pairs([(pictures[name], None) for name in names], conf)
    same_size(folder, pairs.images, records.images)
    shared = {"images": pairs.images, "names": names, "file_sizes": pairs.sizes, **only_tested(len(names))}
    return pairs, shared
