"""Loads pictures without classes."""

from __future__ import annotations

import numpy as np

from zsl_runner.data.labelled_images.records import ImageRecords
from zsl_runner.data.picture_files import picture_paths
from zsl_runner.data.picture_set import drawn_split, read_pictures, source_of
from zsl_runner.data.records import Provenance, checked
from zsl_runner.data.unlabelled_images.conf import UnlabelledImagesConf


def load(conf: UnlabelledImagesConf) -> ImageRecords:
    """Load the pictures.

    Raises:
        DataError: there is none, or a file cannot be read; see `zsl_runner.data.picture_set`.
    """
    paths = picture_paths(conf.folder(), "check dataset.root")
    images = read_pictures(paths, conf)
    train, validation, test = drawn_split(len(paths), conf)
    records = ImageRecords(
        name=conf.name,
        images=images,
        labels=None,
        class_names=(),
        labelled=np.empty(0, dtype=np.int64),
        train=train,
        validation=validation,
        test=test,
        provenance=Provenance(
            kind="real",
            feature_kind=f"pixels, {images.shape[-1]}x{images.shape[-1]}x{images.shape[1]} in 0..1",
            semantics="no classes",
            split_version=f"own (shares {', '.join(f'{share:g}' for share in conf.shares)}, seed {conf.split_seed})",
            files=(source_of(paths, conf),),
            notes=("checksum over names and sizes of the pictures",),
        ),
    )
    return checked(records, conf.root)
