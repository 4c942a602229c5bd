"""Loads a data set in the xlsa17 layout."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import Provenance, Rows, SourceFile
from zsl_runner.data.sources.known_files import feature_kind_of, split_version_of
from zsl_runner.data.sources.xlsa17.audit import (
    differences,
    inconsistent,
    norm_in_words,
    norm_problems,
    split_problems,
    turned_problems,
    wording_of,
)
from zsl_runner.data.sources.xlsa17.cache import load_features
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.sources.xlsa17.layout import SplitTable, read_splits
from zsl_runner.data.sources.xlsa17.statement import kind_stated, split_stated
from zsl_runner.data.sources.xlsa17.validation import named_classes, validation_classes
from zsl_runner.data.zero_shot.records import ZeroShotRecords
from zsl_runner.files.checksums import sha256_of


def load(conf: XLSA17Conf) -> ZeroShotRecords:
    """Load the data set.

    Raises:
        DataError: a file is missing, damaged, or does not fit the others or the configuration; all problems that
            concern the content are reported together.
    """
    loaded = load_features(conf.file(conf.features_file), conf.cache_folder())
    features, labels = loaded.table.features, loaded.table.labels
    splits_path = conf.file(conf.splits_file)
    field = "original_att" if conf.semantics == "original_att" else "att"
    splits = read_splits(splits_path, field)
    files = [loaded.source, SourceFile(str(splits_path), sha256_of(splits_path))]
    problems = split_problems(conf.root, conf.features_file, labels, conf.splits_file, splits, field)
    vectors, vectors_file = splits.vectors, conf.splits_file
    if conf.semantics == "sent":
        sentences_path = conf.file(conf.sentences_file)
        sentences = read_splits(sentences_path, "att")
        files.append(SourceFile(str(sentences_path), sha256_of(sentences_path)))
        turned = list(turned_problems(conf.sentences_file, "att", sentences.vectors, len(splits.vectors)))
        problems += turned or differences(conf.splits_file, splits, conf.sentences_file, sentences)
        vectors, vectors_file = sentences.vectors, conf.sentences_file
    if conf.semantics == "att" and conf.require_unit_norm:
        problems += norm_problems(conf.splits_file, vectors)
    problems += _checksum_problems(conf, files)

    if conf.validation_file is None:
        validation, notes = validation_classes(
            conf.splits_file, splits, labels, conf.validation_classes, conf.validation_seed
        )
    else:
        validation_path = conf.file(conf.validation_file)
        validation, notes = named_classes(validation_path, conf.splits_file, splits, labels)
        files.append(SourceFile(str(validation_path), sha256_of(validation_path)))
    if splits.names is None:
        notes = (*notes, f"{conf.splits_file} has no class names; classes are numbered")
    records = records_of_split(
        splits,
        name=conf.name,
        features=features,
        labels=labels,
        vectors=vectors,
        validation=validation,
        provenance=Provenance(
            kind="real",
            feature_kind=conf.feature_kind
            or kind_stated(conf.file(""), loaded.source)
            or feature_kind_of(loaded.source.sha256, features.shape[1]),
            semantics=f"{conf.semantics} of {vectors_file}: {vectors.shape[1]}-d, {norm_in_words(vectors)}",
            split_version=conf.split_version
            or split_stated(conf.file(""), files[1])
            or split_version_of(files[1].sha256),
            files=tuple(files),
            notes=notes,
        ),
    )
    problems += records.problems(wording_of(conf.features_file, conf.splits_file, vectors_file, field))
    problems += _size_problems(conf, records)
    if problems:
        raise inconsistent(conf.root, problems)
    return records


def records_of_split(
    splits: SplitTable,
    *,
    name: str,
    features: NDArray[np.float32],
    labels: Rows,
    vectors: NDArray[np.float64],
    validation: Rows,
    provenance: Provenance,
) -> ZeroShotRecords:
    """Return records with the classes and row numbers of a splits file.

    Args:
        splits: the content of the splits file.
        name: the data set's name.
        features: (N, D).
        labels: (N,) 0-based.
        vectors: (K, A) class vectors, of the splits file or another.
        validation: ids of the validation classes.
        provenance: where all this comes from.
    """
    numbered = tuple(f"class_{number:03d}" for number in range(1, len(vectors) + 1))
    return ZeroShotRecords(
        name=name,
        features=features,
        labels=labels,
        class_vectors=vectors.astype(np.float32),
        class_names=splits.names or numbered,
        seen_classes=np.unique(labels[splits.trainval]),
        unseen_classes=np.unique(labels[splits.test_unseen]),
        trainval=np.sort(splits.trainval),
        test_seen=np.sort(splits.test_seen),
        test_unseen=np.sort(splits.test_unseen),
        validation_classes=validation,
        provenance=provenance,
    )


def _checksum_problems(conf: XLSA17Conf, files: Sequence[SourceFile]) -> Iterable[str]:
    expected = (
        (conf.features_file, "sha256_features", conf.sha256_features),
        (conf.splits_file, "sha256_splits", conf.sha256_splits),
        (conf.sentences_file, "sha256_sentences", conf.sha256_sentences),
    )
    for (name, key, wanted), file in zip(expected, files, strict=False):
        if wanted is not None and wanted.lower() != file.sha256:
            yield f"{name}: {key}: expected {wanted}, found {file.sha256}; it is another version of the file"


def _size_problems(conf: XLSA17Conf, records: ZeroShotRecords) -> Iterable[str]:
    classes = [len(records.seen_classes), len(records.unseen_classes)]
    rows = [len(records.trainval), len(records.test_seen), len(records.test_unseen)]
    for key, wanted, found in (
        ("expected_classes", conf.expected_classes, classes),
        ("expected_rows", conf.expected_rows, rows),
    ):
        if wanted is not None and list(wanted) != found:
            yield f"{conf.splits_file}: {key}: expected {list(wanted)}, found {found}; dataset.{key}=null accepts it"
