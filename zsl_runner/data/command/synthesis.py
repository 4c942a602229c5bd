"""Writes a small data set in the xlsa17 layout, to try the road that one's own data would take."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zsl_runner.config.places import require_folder, require_free
from zsl_runner.data.sources.toy.conf import ToyConf
from zsl_runner.data.sources.toy.source import load
from zsl_runner.data.sources.xlsa17.matlab_writing import Variables, column, version_5, version_73
from zsl_runner.files.writing import write_bytes, write_text


def synthesize(folder: Path, conf: ToyConf, *, version_7_3: bool = False) -> tuple[Path, ...]:
    """Write ``res101.mat``, ``att_splits.mat`` and ``SOURCE.txt``.

    The rows are those of the toy problem, in random order; ``train_loc`` and ``val_loc`` divide the trainval rows by
    class. Types are those of published files: float32 features, the smallest unsigned type for labels and rows.

    Args:
        folder: where to write; made if it is not there.
        conf: sizes and seed.
        version_7_3: write MATLAB 7.3 files instead of version 5.

    Returns:
        The files written.

    Raises:
        ConfigError: one of the files exists, and nothing is overwritten; or the folder cannot be.
        RunError: one cannot be written; then none stays.
    """
    paths = (folder / "res101.mat", folder / "att_splits.mat", folder / "SOURCE.txt")
    for path in paths:
        require_free(path, "choose another folder")
    require_folder(folder)
    features, splits = _contents(conf)
    folder.mkdir(parents=True, exist_ok=True)
    source = (
        f"Invented by zsl-data synthesize: {conf.seen} seen and {conf.unseen} unseen Gaussian classes, "
        f"{conf.attributes} random attributes, {conf.width} features, seed {conf.data_seed}. No real data.\n"
    )
    try:
        for path, variables in zip(paths, (features, splits), strict=False):
            write_bytes(path, version_73(variables) if version_7_3 else version_5(variables))
        write_text(paths[2], source)
    except BaseException:  # half a data set would stand in the way of the next attempt
        for path in paths:
            path.unlink(missing_ok=True)
        raise
    return paths


def _contents(conf: ToyConf) -> tuple[Variables, Variables]:
    records = load(conf)
    order = np.random.default_rng([conf.data_seed, 1]).permutation(len(records.labels))
    place = np.argsort(order)  # row i of the problem becomes row place[i] of the file
    labels = records.labels[order]
    is_validation = np.isin(records.labels[records.trainval], records.validation_classes)
    rows = {
        "trainval_loc": records.trainval,
        "test_seen_loc": records.test_seen,
        "test_unseen_loc": records.test_unseen,
        "train_loc": records.trainval[~is_validation],
        "val_loc": records.trainval[is_validation],
    }
    features: Variables = {
        "features": np.asfortranarray(records.features[order].T),
        "labels": column(labels + 1),
        "image_files": tuple(f"invented/{number:06d}.jpg" for number in range(1, len(labels) + 1)),
    }
    # Unit norm is restored after the rounding to float32.
    vectors = records.class_vectors.astype(np.float64)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    splits: Variables = {
        "att": vectors.T,
        "original_att": 100 * vectors.T,
        "allclasses_names": records.class_names,
    }
    return features, splits | {name: column(np.sort(place[index]) + 1) for name, index in rows.items()}
