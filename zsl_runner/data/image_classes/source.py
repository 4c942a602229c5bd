"""Loads pictures in folders of classes."""

from __future__ import annotations

import numpy as np

from zsl_runner.data.image_classes.conf import ImageClassesConf
from zsl_runner.data.labelled_images.labels import labelled_rows
from zsl_runner.data.labelled_images.records import ImageRecords
from zsl_runner.data.picture_files import picture_paths
from zsl_runner.data.picture_set import drawn_split, read_pictures, source_of
from zsl_runner.data.records import Provenance, checked
from zsl_runner.errors import DataError

LAYOUT = "expected a folder for each class with its pictures in it"


def load(conf: ImageClassesConf) -> ImageRecords:
    """Load the pictures; a class is a folder in ``root``, and pictures in folders below it belong to it.

    Raises:
        DataError: a picture belongs to no class, there is but one class, or a file cannot be read; see
            `zsl_runner.data.picture_set`.
    """
    root = conf.folder()
    paths = picture_paths(root, "check dataset.root")
    parts = [path.relative_to(root).parts for path in paths]
    loose = [path for path, part in zip(paths, parts, strict=True) if len(part) == 1]
    if loose:
        raise DataError(
            f"{root}: {LAYOUT}, found {loose[0].name} and {len(loose) - 1} more beside them; "
            "use dataset=unlabelled_images for pictures without classes"
        )
    names = sorted({part[0] for part in parts})
    if len(names) < 2:
        raise DataError(f"{root}: {LAYOUT}, found one class, {names[0]}; use dataset=unlabelled_images")
    numbers = {name: number for number, name in enumerate(names)}
    labels = np.array([numbers[part[0]] for part in parts], dtype=np.int64)
    images = read_pictures(paths, conf)
    train, validation, test = drawn_split(len(paths), conf)
    records = ImageRecords(
        name=conf.name,
        images=images,
        labels=labels,
        class_names=tuple(names),
        labelled=labelled_rows(labels, train, len(names), conf.labelled, conf.label_seed, str(root)),
        train=train,
        validation=validation,
        test=test,
        provenance=Provenance(
            kind="real",
            feature_kind=f"pixels, {images.shape[-1]}x{images.shape[-1]}x{images.shape[1]} in 0..1",
            semantics=f"{len(names)} classes",
            split_version=f"own (shares {', '.join(f'{share:g}' for share in conf.shares)}, seed {conf.split_seed})",
            files=(source_of(paths, conf),),
            notes=("checksum over names and sizes of the pictures",),
        ),
    )
    return checked(records, str(root))
