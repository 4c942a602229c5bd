"""Invents features on a real split; every result says that they are synthetic."""

from __future__ import annotations

from pathlib import Path
from statistics import NormalDist
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import Provenance, Rows, SourceFile
from zsl_runner.data.sources.known_files import split_version_of
from zsl_runner.data.sources.synthetic.conf import LISTED_LABELS, SyntheticConf
from zsl_runner.data.sources.xlsa17.audit import inconsistent, norm_in_words, split_problems, wording_of
from zsl_runner.data.sources.xlsa17.layout import indices, read_splits
from zsl_runner.data.sources.xlsa17.matlab import read_variables
from zsl_runner.data.sources.xlsa17.source import records_of_split
from zsl_runner.data.sources.xlsa17.validation import validation_classes
from zsl_runner.data.zero_shot.records import ZeroShotRecords
from zsl_runner.errors import DataError
from zsl_runner.files.checksums import sha256_of
from zsl_runner.files.names import read_text

BLOCK: Final = 2048
LONGEST_LABEL: Final = 9
"""Digits of a label; no file has a billion classes."""


def load(conf: SyntheticConf) -> ZeroShotRecords:
    """Load the split and invent the features.

    Raises:
        DataError: the splits file or the labels are missing, damaged or do not fit together.
    """
    splits = read_splits(conf.splits_path(), "att")
    labels_path = conf.labels_path()
    labels = read_labels(labels_path)
    problems = split_problems(conf.root, labels_path.name, labels, conf.splits_file, splits)
    validation, notes = validation_classes(
        conf.splits_file, splits, labels, conf.validation_classes, conf.validation_seed
    )
    paths = (conf.splits_path(), labels_path)
    files = tuple(SourceFile(str(path), sha256_of(path)) for path in paths)
    records = records_of_split(
        splits,
        name=conf.name,
        features=invented_features(splits.vectors, labels, conf),
        labels=labels,
        vectors=splits.vectors,
        validation=validation,
        provenance=Provenance(
            kind="synthetic",
            feature_kind=f"synthetic, {conf.width}-d, density {conf.density:g}, signal {conf.signal:g}",
            semantics=f"att of {conf.splits_file}: {splits.vectors.shape[1]}-d, {norm_in_words(splits.vectors)}",
            split_version=split_version_of(files[0].sha256),
            files=files,
            notes=(f"features are invented from seed {conf.data_seed}: accuracies say nothing about real data", *notes),
        ),
    )
    problems += records.problems(wording_of(labels_path.name, conf.splits_file, conf.splits_file, "att"))
    if problems:
        raise inconsistent(conf.root, problems)
    return records


def read_labels(path: Path) -> Rows:
    """Read 0-based labels from text lines ``path label`` or from ``labels`` of a MATLAB file, both 1-based.

    Raises:
        DataError: missing file, no labels in it, or a line without a whole number at its end.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: expected the label of each row, found no such file; write {LISTED_LABELS} (a line `path label` "
            "for each row, labels from 1) or name another file as dataset.labels_file"
        )
    if path.suffix == ".mat":
        found = read_variables(path, ("labels",))
        if "labels" not in found:
            raise DataError(f"{path}: field labels: expected in a file of labels, found none")
        return indices(path, "labels", found["labels"])
    labels = []
    lines = read_text(path, "labels", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        last = line.split()[-1:] or ["nothing"]
        if not last[0].isdecimal() or len(last[0]) > LONGEST_LABEL:
            raise DataError(f"{path}: line {number}: expected `path label` with a whole number, found {line[:80]!r}")
        labels.append(int(last[0]))
    if not labels:
        raise DataError(f"{path}: expected a line `path label` for each row, found an empty file")
    return np.array(labels, dtype=np.int64) - 1


def invented_features(vectors: NDArray[np.float64], labels: Rows, conf: SyntheticConf) -> NDArray[np.float32]:
    """Return (N, D) float32 features ``max(0, signal * m_y + e - t)`` with ``e ~ N(0, 1)``.

    The class pattern ``m_k`` is a fixed random linear map of the centred class vector, scaled so that each feature of
    it has mean square 1 over the classes; ``t`` is chosen for the wanted share of positive features. Rows are drawn
    in blocks, each from its own generator, so that memory holds one block beside the result.
    """
    pattern = np.random.default_rng([conf.data_seed, 0]).standard_normal((vectors.shape[1], conf.width))
    means = (vectors - vectors.mean(axis=0)) @ pattern
    means /= np.sqrt(np.square(means).mean(axis=0)).clip(np.finfo(np.float64).tiny)
    threshold = NormalDist(0.0, (conf.signal**2 + 1) ** 0.5).inv_cdf(1 - conf.density)
    offsets = (conf.signal * means - threshold).astype(np.float32)
    features = np.empty((len(labels), conf.width), dtype=np.float32)
    for number, start in enumerate(range(0, len(labels), BLOCK), start=1):
        block = features[start : start + BLOCK]
        np.random.default_rng([conf.data_seed, number]).standard_normal(out=block, dtype=np.float32)
        block += offsets[labels[start : start + BLOCK]]
        np.maximum(block, 0, out=block)
    return features
