"""Writes what was understood: a folder in the xlsa17 layout that appears at once and complete, or not at all."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Final

import numpy as np

from zsl_runner.config.places import require_new_folder
from zsl_runner.data.command.importing.arrays import Files
from zsl_runner.data.command.importing.request import Request, Understood, unit
from zsl_runner.data.load import load
from zsl_runner.data.records import Records, SourceFile
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.sources.xlsa17.matlab_writing import Variables, column, version_73, write_version_5
from zsl_runner.data.sources.xlsa17.statement import FILE, Statement
from zsl_runner.files.checksums import sha256_of
from zsl_runner.files.writing import new_folder, rewritten, write_bytes, write_text

LARGEST_OF_VERSION_5: Final = 2**31
"""Bytes of a variable from which on MATLAB files are of version 7.3."""


def write(request: Request, understood: Understood, files: Files) -> tuple[tuple[Path, ...], Records]:
    """Write ``res101.mat``, ``att_splits.mat`` and ``import.json``, and return their paths, and what a run reads there.

    Raises:
        ConfigError: the folder exists, and nothing is overwritten; or it cannot be.
        DataError: a run could not read what was written.
        RunError: it cannot be written.
    """
    require_new_folder(request.folder)
    names = ("res101.mat", "att_splits.mat")
    with new_folder(request.folder) as work:
        for name, variables in zip(names, (_features(understood), _splits(understood)), strict=True):
            if understood.features.nbytes >= LARGEST_OF_VERSION_5 and name == names[0]:
                write_bytes(work / name, version_73(variables))
                continue
            with rewritten(work / name) as stream:
                write_version_5(stream, variables, packed=False)
        statement = Statement(
            feature_kind=request.feature_kind,
            split=understood.split,
            sources=tuple(SourceFile(str(path), sha256_of(path)) for path in files.paths()),
            options={name: value for name, value in dataclasses.asdict(request).items() if name != "folder"},
            files={name: sha256_of(work / name) for name in names},
        )
        write_text(work / FILE, statement.text())
        records = load(XLSA17Conf(name=request.folder.resolve().name, root=str(work), cache=None))
        require_new_folder(request.folder)
    return tuple(request.folder / name for name in (*names, FILE)), records


def _features(understood: Understood) -> Variables:
    images: Variables = {} if understood.images is None else {"image_files": understood.images}
    features: Variables = {"features": understood.features.T, "labels": column(understood.labels + 1)}
    return features | images


def _splits(understood: Understood) -> Variables:
    rows = {
        "trainval_loc": understood.trainval,
        "test_seen_loc": understood.test_seen,
        "test_unseen_loc": understood.test_unseen,
    }
    if understood.validation_classes is not None:
        held = np.isin(understood.labels[understood.trainval], understood.validation_classes)
        rows |= {"train_loc": understood.trainval[~held], "val_loc": understood.trainval[held]}
    splits: Variables = {
        "att": unit(understood.class_vectors).T,
        "original_att": understood.class_vectors.astype(np.float64).T,
        "allclasses_names": understood.class_names,
    }
    return splits | {name: column(values + 1) for name, values in rows.items()}
