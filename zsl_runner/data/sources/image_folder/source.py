"""Loads a folder of images and masks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from zsl_runner.data.records import Provenance, Rows, SourceFile, checked
from zsl_runner.data.segmentation.records import SPLITS, SegmentationRecords
from zsl_runner.data.sources.image_folder.conf import ImageFolderConf
from zsl_runner.data.sources.image_folder.files import PLACES, paired_files, split_rows
from zsl_runner.data.sources.image_folder.occurrence import check_classes
from zsl_runner.data.sources.image_folder.pictures import read_pair
from zsl_runner.data.sources.pictures.pixels import notes_on
from zsl_runner.data.sources.pictures.walk import pictures_below
from zsl_runner.errors import DataError
from zsl_runner.files.checksums import sha256_of, sha256_of_all


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
    first = read_pair(*files[names[used[0]]], conf).labels.shape
    images = np.empty((len(used), 3, *first), dtype=np.uint8)
    labels = np.empty((len(used), *first), dtype=np.uint8)
    changes: list[str] = []
    values: list[tuple[int, ...]] = []
    for position, row in enumerate(used):
        pair = read_pair(*files[names[row]], conf)
        if pair.labels.shape != first:
            raise DataError(
                f"{files[names[row]][0]}: expected {first[1]} x {first[0]} pixels like {files[names[used[0]]][0]}, "
                f"found {pair.labels.shape[1]} x {pair.labels.shape[0]}; give dataset.side to resize all to squares"
            )
        images[position], labels[position] = pair.image, pair.labels
        changes += pair.changes
        values.append(pair.values)
    places = {split: np.searchsorted(used, rows[split]) for split in SPLITS}
    check_classes(conf, labels, places["train"], values)
    records = SegmentationRecords(
        name=conf.name,
        images=images,
        labels=labels,
        class_names=tuple(conf.classes),
        train=places["train"],
        validation=places["validation"],
        test=places["test"],
        provenance=_provenance(conf, files, rows, first, notes_on(changes)),
    )
    return checked(records, str(conf.folder("")))


def _provenance(
    conf: ImageFolderConf,
    files: Mapping[str, tuple[Path, Path]],
    rows: Mapping[str, Rows],
    size: tuple[int, ...],
    changes: tuple[str, ...],
) -> Provenance:
    if conf.shares is None:
        split = "own (lists of names in the folder)"
        left_out = len(files) - sum(map(len, rows.values()))
        notes = (f"{left_out} images are in no list and left out",) if left_out else ()
    else:
        split = f"own (shares {', '.join(f'{share:g}' for share in conf.shares)}, seed {conf.split_seed})"
        notes = ()
    return Provenance(
        kind="real",
        feature_kind=f"images of {size[1]} x {size[0]} pixels, RGB" + ("" if conf.side is None else ", resized"),
        semantics=f"masks of {len(conf.classes)} classes: {', '.join(conf.classes)}",
        split_version=split,
        files=contents(conf),
        notes=("checksums of folders are over names and contents of their pictures", *notes, *changes),
    )


def contents(conf: ImageFolderConf) -> tuple[SourceFile, ...]:
    """Return the two folders, each with one checksum over the names and contents of its pictures, and the lists.

    Raises:
        DataError: a folder is missing or has no picture, or a file cannot be read.
    """
    found = []
    for folder in (conf.folder(conf.images), conf.folder(conf.masks)):
        tree = pictures_below(folder, PLACES)
        found.append(SourceFile(str(folder), sha256_of_all([picture.path for picture in tree.pictures], folder)))
    lists = [Path(file.path) for file in conf.required_files()]
    return (*found, *(SourceFile(str(path), sha256_of(path)) for path in lists))
