"""Loads a folder of images and masks, and demands that every class that is named has pixels to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.pairs.segmentation.records import VOID, SegmentationRecords
from zsl_runner.data.records import Provenance, Rows, SourceFile, checked
from zsl_runner.data.sources.image_folder.conf import ImageFolderConf, TaggedFolderConf
from zsl_runner.data.sources.image_folder.files import PLACES, paired_files, split_names
from zsl_runner.data.sources.image_folder.pictures import PicturePairs, read_pairs
from zsl_runner.data.sources.pictures.pixels import notes_on
from zsl_runner.data.sources.pictures.shares import in_words
from zsl_runner.data.sources.pictures.walk import pictures_below
from zsl_runner.errors import DataError
from zsl_runner.files.checksums import sha256_of, sha256_of_all
from zsl_runner.files.names import some


def load(conf: ImageFolderConf) -> SegmentationRecords:
    """Load the images that belong to a split, in memory as bytes.

    Raises:
        DataError: files do not belong together, cannot be read, or are not what the options say; see the modules
            `files` and `pictures`.
    """
    files = paired_files(conf)
    used, rows = split_names(conf, list(files))
    pairs = read_pairs([files[name] for name in used], conf)
    check_classes(conf, pairs.labels, rows["train"], pairs.values)
    semantics = f"masks of {len(conf.classes)} classes: {', '.join(conf.classes)}"
    records = SegmentationRecords(
        name=conf.name,
        images=pairs.images,
        labels=pairs.labels,
        class_names=tuple(conf.classes),
        names=tuple(used),
        file_sizes=pairs.sizes,
        **rows,
        provenance=folder_provenance(conf, semantics, pairs, len(files) - len(used)),
    )
    return checked(records, str(conf.folder("")))


def folder_provenance(
    conf: ImageFolderConf | TaggedFolderConf, semantics: str, pairs: PicturePairs, left_out: int
) -> Provenance:
    """Return where pictures of a folder came from.

    Args:
        conf: the folder and its splits.
        semantics: what is known of the pictures.
        pairs: the pictures.
        left_out: how many further ones are in no split.
    """
    height, width = pairs.labels.shape[1:]
    lists = "own (lists of names in the folder)"
    return Provenance(
        kind="real",
        feature_kind=f"images of {width} x {height} pixels, RGB" + ("" if conf.side is None else ", resized"),
        semantics=semantics,
        split_version=lists if conf.shares is None else in_words(conf.shares, conf.split_seed),
        files=contents(conf),
        notes=(
            "checksums of folders are over names and contents of their pictures",
            *([f"{left_out} images are in no list and left out"] if left_out else []),
            *notes_on(pairs.changes),
        ),
    )


def contents(conf: ImageFolderConf | TaggedFolderConf) -> tuple[SourceFile, ...]:
    """Return each folder with one checksum over the names and contents of its pictures, and the text files.

    Raises:
        DataError: a folder is missing or has no picture, or a file cannot be read.
    """
    found = []
    for folder in [conf.folder(name) for name in (conf.images, conf.masks) if name is not None]:
        tree = pictures_below(folder, PLACES)
        found.append(SourceFile(str(folder), sha256_of_all([picture.path for picture in tree.pictures], folder)))
    lists = [Path(file.path) for file in conf.required_files()]
    return (*found, *(SourceFile(str(path), sha256_of(path)) for path in lists))


def check_classes(
    conf: ImageFolderConf, labels: NDArray[np.uint8], train: Rows, values: Sequence[tuple[int, ...]]
) -> None:
    """Refuse training masks without a pixel of a class; the background may be absent.

    Args:
        conf: names the classes.
        labels: (N, H, W) of all images.
        train: rows of the training images.
        values: for each image what its mask's file holds, see `PicturePair.values`.

    Raises:
        DataError: naming the classes, what the masks hold and the option that would mend it.
    """
    counts = np.bincount(labels[train].ravel(), minlength=VOID + 1)
    absent = [label for label in range(1, len(conf.classes)) if not counts[label]]
    if not absent:
        return
    stored = sorted(set().union(*(values[row] for row in train)))
    kind = "values" if conf.colours is None else "colours"
    shown = some(str(value) if conf.colours is None else f"{value:06x}" for value in stored)
    raise DataError(
        f"{conf.folder(conf.masks)}: expected pixels of every class of dataset.classes in the training masks, found "
        f"none of {some(conf.classes[label] for label in absent)} (the masks hold the {kind} {shown}); "
        f"{_remedy(conf, absent[0], stored, labels, bool(counts[VOID]))}"
    )


def _remedy(conf: ImageFolderConf, label: int, stored: Sequence[int], labels: NDArray[np.uint8], void: bool) -> str:
    """Return what would give the class with a label some pixels."""
    if (labels == label).any():
        drawn = "the lists of names" if conf.shares is None else "dataset.shares or dataset.split_seed"
        return f"other splits have some: change {drawn}"
    if conf.threshold is not None:
        in_file = stored[-1] > conf.threshold
    else:
        in_file = (label if conf.colours is None else int(conf.colours[label], 16)) in stored
    if in_file:
        return f"resizing to dataset.side={conf.side} leaves none: choose a larger side"
    if conf.threshold is not None:
        return f"no value is above dataset.threshold={conf.threshold}: choose a smaller one"
    if void:
        two = "dataset.threshold=127 dataset.void=null" if len(conf.classes) == 2 else "dataset.void=null"
        return f"dataset.void={conf.void} counts nowhere: if it stands for a class, use {two}"
    return "name only classes that occur"
