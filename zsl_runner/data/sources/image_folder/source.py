"""Loads a folder of images and masks, and demands that every class that is named has pixels to learn from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.pairs.segmentation.records import SPLITS, VOID, SegmentationRecords
from zsl_runner.data.records import Provenance, Rows, SourceFile, checked
from zsl_runner.data.sources.image_folder.conf import ImageFolderConf, PictureFolderOptions
from zsl_runner.data.sources.image_folder.files import PLACES, paired_files, split_rows
from zsl_runner.data.sources.image_folder.pictures import read_pairs
from zsl_runner.data.sources.pictures.pixels import notes_on
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
    names = list(files)
    rows = split_rows(conf, names)
    used = np.sort(np.concatenate(list(rows.values())))
    pairs = read_pairs([files[names[row]] for row in used], conf)
    places = {split: np.searchsorted(used, rows[split]) for split in SPLITS}
    check_classes(conf, pairs.labels, places["train"], pairs.values)
    records = SegmentationRecords(
        name=conf.name,
        images=pairs.images,
        labels=pairs.labels,
        class_names=tuple(conf.classes),
        train=places["train"],
        validation=places["validation"],
        test=places["test"],
        provenance=_provenance(conf, files, rows, pairs.labels.shape[1:], notes_on(pairs.changes)),
    )
    return checked(records, str(conf.folder("")))


def _provenance(
    conf: ImageFolderConf,
    files: Mapping[str, tuple[Path, Path]],
    rows: Mapping[str, Rows],
    size: tuple[int, ...],
    changes: tuple[str, ...],
) -> Provenance:
    semantics = f"masks of {len(conf.classes)} classes: {', '.join(conf.classes)}"
    return folder_provenance(conf, semantics, len(files), rows, size, (contents(conf), changes))


def folder_provenance(
    conf: PictureFolderOptions,
    semantics: str,
    count: int,
    rows: Mapping[str, Rows],
    size: tuple[int, ...],
    read: tuple[tuple[SourceFile, ...], tuple[str, ...]],
) -> Provenance:
    """Return where pictures of a folder came from.

    Args:
        conf: the folder and its splits.
        semantics: what is known of the pictures.
        count: how many images there are.
        rows: those of each split.
        size: height and width.
        read: the files with their checksums, and what was done to show the pictures.
    """
    if conf.shares is None:
        split = "own (lists of names in the folder)"
        left_out = count - sum(map(len, rows.values()))
        notes = (f"{left_out} images are in no list and left out",) if left_out else ()
    else:
        split = f"own (shares {', '.join(f'{share:g}' for share in conf.shares)}, seed {conf.split_seed})"
        notes = ()
    return Provenance(
        kind="real",
        feature_kind=f"images of {size[1]} x {size[0]} pixels, RGB" + ("" if conf.side is None else ", resized"),
        semantics=semantics,
        split_version=split,
        files=read[0],
        notes=("checksums of folders are over names and contents of their pictures", *notes, *read[1]),
    )


def contents(conf: ImageFolderConf) -> tuple[SourceFile, ...]:
    """Return the two folders, each with one checksum over the names and contents of its pictures, and the lists.

    Raises:
        DataError: a folder is missing or has no picture, or a file cannot be read.
    """
    return folder_contents(conf, (conf.images, conf.masks))


def folder_contents(conf: PictureFolderOptions, names: Iterable[str]) -> tuple[SourceFile, ...]:
    """Return some folders of pictures in `root` and the required files with their checksums; see `contents`."""
    found = []
    for folder in map(conf.folder, names):
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
