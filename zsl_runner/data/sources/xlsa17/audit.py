"""Checks the files of the xlsa17 layout against each other; messages count from 1, as the files do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import Rows, Wording
from zsl_runner.data.sources.xlsa17.layout import SplitTable
from zsl_runner.errors import DataError
from zsl_runner.files.names import normal, repeated, some

UNIT_NORM_TOLERANCE = 1e-6
TURNED: Final = "{0} is transposed: save {0}.T instead"


def turned_problems(file: str, field: str, vectors: NDArray[np.float64], classes: int) -> Iterable[str]:
    """Yield whether a matrix of class vectors is transposed; everything else said of it would be beside the point.

    Args:
        file: name of the file.
        field: name of the matrix.
        vectors: (K, A) as read, so that the matrix in the file is A x K.
        classes: number of classes by the class names or, without them, by the labels.
    """
    columns, rows = vectors.shape
    if columns != classes and rows == classes:
        yield (
            f"{file}: {field}: expected A x {classes} (a column for each class), found {rows} x {columns}; "
            f"{TURNED.format(field)}"
        )


def wording_of(features_file: str, splits_file: str, vectors_file: str, vectors_field: str) -> Wording:
    """Return how messages name what was read: by file and field, counting from 1."""
    owners = {
        "features": (features_file, "features"),
        "labels": (features_file, "labels"),
        "class_vectors": (vectors_file, vectors_field),
        "class_names": (splits_file, "allclasses_names"),
        "seen_classes": (splits_file, "classes of trainval_loc"),
        "unseen_classes": (splits_file, "classes of test_unseen_loc"),
        "validation_classes": (splits_file, "classes of val_loc"),
        "classes": (splits_file, "trainval_loc, test_unseen_loc"),
        "splits": (splits_file, "trainval_loc, test_seen_loc, test_unseen_loc"),
        **{name: (splits_file, f"{name}_loc") for name in ("trainval", "test_seen", "test_unseen")},
    }
    return Wording(1, {name: f"{file}: {field}" for name, (file, field) in owners.items()})


def split_problems(
    root: str, labels_file: str, labels: Rows, splits_file: str, splits: SplitTable, field: str = "att"
) -> list[str]:
    """Return whether rows are in none of the three splits, or classes have no name of their own.

    Args:
        root: the folder.
        labels_file: name of the file of the labels.
        labels: (N,) 0-based.
        splits_file: name of the splits file.
        splits: its content.
        field: name of its class vectors.

    Raises:
        DataError: class vectors are transposed, labels or row numbers out of range, or trainval rows of one class
            alone; nothing else can be checked before these are right.
    """
    turned = list(turned_problems(splits_file, field, splits.vectors, splits.classes(labels)))
    wrong = turned or list(range_problems(labels_file, labels, splits_file, splits))
    wrong = wrong or list(_single_class_problems(splits_file, splits, labels))
    if wrong:
        raise inconsistent(root, wrong)
    return [*_cover_problems(labels_file, splits_file, splits, len(labels)), *_name_problems(splits_file, splits)]


def range_problems(labels_file: str, labels: Rows, splits_file: str, splits: SplitTable) -> Iterable[str]:
    """Yield labels and row numbers out of range."""
    classes, rows = len(splits.vectors), len(labels)
    fields = [(labels_file, "labels", labels, classes, "one column of class vectors for each class")]
    for field in ("trainval", "test_seen", "test_unseen", "train", "val"):
        index = getattr(splits, field)
        if index is not None:
            fields.append((splits_file, f"{field}_loc", index, rows, f"rows of {labels_file}"))
    for file, field, index, most, why in fields:
        low, high = int(index.min()) + 1, int(index.max()) + 1
        if low < 1 or high > most:
            hint = "; the layout counts from 1, not from 0" if low == 0 else ""
            yield f"{file}: {field}: expected 1..{most} ({why}), found {low}..{high}{hint}"


def _name_problems(splits_file: str, splits: SplitTable) -> Iterable[str]:
    """Yield names of several classes, which lists of classes and tables of scores would not tell apart."""
    again = repeated(map(normal, splits.names or ()))
    if again:
        yield (
            f"{splits_file}: allclasses_names: expected another name for each class, found {some(map(repr, again))} "
            "more than once; without the field classes are numbered"
        )


def _single_class_problems(splits_file: str, splits: SplitTable, labels: Rows) -> Iterable[str]:
    """Yield whether no class is left to train on once one is for validation."""
    seen = np.unique(labels[splits.trainval])
    if len(seen) == 1:
        yield (
            f"{splits_file}: trainval_loc: expected rows of two classes or more, one to train on and one for "
            f"validation, found rows of class {seen[0] + 1} alone"
        )


def _cover_problems(labels_file: str, splits_file: str, splits: SplitTable, rows: int) -> Iterable[str]:
    """Yield whether rows are in none of the three splits."""
    used = np.bincount(np.concatenate([splits.trainval, splits.test_seen, splits.test_unseen]), minlength=rows)
    idle = int(np.count_nonzero(used == 0))
    if idle:
        yield (
            f"{splits_file}: trainval_loc, test_seen_loc, test_unseen_loc: expected to cover all {rows} rows of "
            f"{labels_file}, found {idle} rows in none of them"
        )


def norm_problems(splits_file: str, vectors: NDArray[np.float64]) -> Iterable[str]:
    """Yield whether the class vectors ``att`` are of another than unit norm; NaN is reported elsewhere."""
    if np.isfinite(vectors).all() and norm_in_words(vectors) != "unit L2":
        # A square matrix has its shape either way.
        turned = vectors.shape[0] == vectors.shape[1] and norm_in_words(vectors.T) == "unit L2"
        remedy = f"its rows have it, {TURNED.format('att')}" if turned else "dataset.require_unit_norm=false accepts it"
        yield f"{splits_file}: att: expected unit L2 norm per class, found {norm_in_words(vectors)}; {remedy}"


def differences(splits_file: str, splits: SplitTable, other_file: str, other: SplitTable) -> Iterable[str]:
    """Yield where a second file of class vectors does not belong to the splits file."""
    for field in ("trainval", "test_seen", "test_unseen"):
        if not np.array_equal(np.sort(getattr(splits, field)), np.sort(getattr(other, field))):
            yield f"{other_file}: {field}_loc: expected the rows of {splits_file}, found others"
    if len(splits.vectors) != len(other.vectors):
        yield (
            f"{other_file}: att: expected {len(splits.vectors)} columns as in {splits_file}, found {len(other.vectors)}"
        )
    elif splits.names and other.names and splits.names != other.names:
        yield f"{other_file}: allclasses_names: expected the order of {splits_file}, found another"


def norm_in_words(vectors: NDArray[np.float64]) -> str:
    """Return how the (K, A) class vectors are scaled, e.g. ``unit L2``."""
    norms = np.linalg.norm(vectors, axis=1)
    if np.abs(norms - 1).max() <= UNIT_NORM_TOLERANCE:
        return "unit L2"
    return f"L2 norms {norms.min():.4g} to {norms.max():.4g}"


def inconsistent(root: str, problems: Iterable[str]) -> DataError:
    """Return the one error that reports all problems of a folder."""
    lines = "".join(f"\n  - {problem}" for problem in problems)
    return DataError(
        f"{root}: the files do not fit together or are not what was expected:{lines}\n"
        "All files of a data set must belong together: get or write them again, or correct the file that is named."
    )
