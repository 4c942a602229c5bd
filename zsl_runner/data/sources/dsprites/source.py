"""Loads dSprites."""

from __future__ import annotations

import numpy as np

from zsl_runner.data.images.labels import labelled_rows
from zsl_runner.data.images.pixels import resized
from zsl_runner.data.images.records import ImageRecords
from zsl_runner.data.records import Provenance, SourceFile, checked
from zsl_runner.data.sources.dsprites.conf import DSpritesConf
from zsl_runner.data.sources.dsprites.file import FACTORS, SHAPES, read_factors, read_images
from zsl_runner.errors import DataError
from zsl_runner.files.checksums import sha256_of


def load(conf: DSpritesConf) -> ImageRecords:
    """Load the data set: test and validation images drawn at random, the others to train on.

    Raises:
        DataError: the file is missing, damaged or of another layout, or too few images are left to train on.
    """
    path = conf.path()
    factors = read_factors(path)
    generator = np.random.default_rng(conf.split_seed)
    rows = np.arange(len(factors))
    if conf.limit is not None and conf.limit < len(factors):
        rows = np.sort(generator.permutation(len(factors))[: conf.limit])
    order = generator.permutation(len(rows))
    test, validation, train = np.split(order, [conf.test_rows, conf.test_rows + conf.validation_rows])
    if len(train) == 0:
        raise DataError(
            f"{path}: of {len(rows):,} images dataset.test_rows={conf.test_rows} and "
            f"dataset.validation_rows={conf.validation_rows} leave none to train on"
        )
    pixels = resized(read_images(path, rows, len(factors)), conf.side)
    labels = factors[rows, FACTORS.index("shape")]
    train = np.sort(train)
    records = ImageRecords(
        name=conf.name,
        images=pixels[:, np.newaxis],
        labels=labels,
        class_names=SHAPES,
        labelled=labelled_rows(labels, train, len(SHAPES), conf.labelled, conf.label_seed, str(path)),
        train=train,
        validation=np.sort(validation),
        test=np.sort(test),
        provenance=Provenance(
            kind="generated",
            feature_kind=f"pixels, {pixels.shape[-1]}x{pixels.shape[-1]} in 0..1",
            semantics=f"{len(SHAPES)} shapes",
            split_version=f"own ({conf.test_rows:,} for testing at random, seed {conf.split_seed})",
            files=(SourceFile(str(path), sha256_of(path)),),
            notes=() if len(rows) == len(factors) else (f"{len(rows):,} of {len(factors):,} images, drawn at random",),
        ),
        factors=factors[rows],
        factor_names=FACTORS,
    )
    return checked(records, str(path))
