"""The two files of the xlsa17 layout as checked arrays. Labels and row numbers become 0-based here, and only here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import Rows
from zsl_runner.data.sources.xlsa17.matlab import Value, in_words, read_variables, variable_names
from zsl_runner.errors import DataError

REQUIRED_LOCS: Final = ("trainval_loc", "test_seen_loc", "test_unseen_loc")
OPTIONAL_LOCS: Final = ("train_loc", "val_loc")
LARGEST: Final = 2**53
"""No file has more rows; beyond it floating-point numbers are whole numbers no longer."""


@dataclass(frozen=True)
class FeatureTable:
    """Content of a features file.

    Attributes:
        features: (N, D) float32, one row per image, contiguous.
        labels: (N,) int64, 0-based.
    """

    features: NDArray[np.float32]
    labels: Rows


@dataclass(frozen=True)
class SplitTable:
    """Content of a splits file; all row numbers are 0-based.

    Attributes:
        vectors: (K, A) float64 class vectors.
        names: K class names, or None if the file has none.
        trainval: rows of seen classes for training.
        test_seen: rows of seen classes for testing.
        test_unseen: rows of unseen classes.
        train: rows of the training classes as published, or None.
        val: rows of the validation classes as published, or None.
    """

    vectors: NDArray[np.float64]
    names: tuple[str, ...] | None
    trainval: Rows
    test_seen: Rows
    test_unseen: Rows
    train: Rows | None
    val: Rows | None

    def classes(self, labels: Rows) -> int:
        """Return the number of classes by their names or, without names, by the labels (N,)."""
        return len(self.names) if self.names else int(labels.max()) + 1


def read_features(path: Path) -> FeatureTable:
    """Read ``features`` (D x N) and ``labels`` (N x 1, 1-based) of a features file.

    Raises:
        DataError: unreadable file, missing field, wrong type or shape.
    """
    found = read_variables(path, ("features", "labels"))
    _require(path, found, ("features", "labels"), "a features file")
    matrix, labels = _matrix(path, "features", found["features"]), indices(path, "labels", found["labels"])
    if matrix.shape[1] != len(labels):
        turned = matrix.shape[0] == len(labels)
        raise DataError(
            f"{path}: field features: expected D x {len(labels)} (a column for each of the {len(labels)} labels), "
            f"found {matrix.shape[0]} x {matrix.shape[1]}; "
            + (
                "features is transposed: save features.T instead"
                if turned
                else "features and labels are of different data"
            )
        )
    with np.errstate(over="ignore"):  # what float32 cannot hold becomes infinite, which the checks report
        return FeatureTable(np.ascontiguousarray(matrix.T, dtype=np.float32), labels)


def read_splits(path: Path, field: str) -> SplitTable:
    """Read the class vectors ``field`` (A x K), the class names and the row numbers of a splits file.

    Raises:
        DataError: unreadable file, missing field, wrong type or shape.
    """
    found = read_variables(path, (field, "allclasses_names", *REQUIRED_LOCS, *OPTIONAL_LOCS))
    _require(path, found, (field, *REQUIRED_LOCS), "a splits file")
    names = found.get("allclasses_names")
    if names is not None and not isinstance(names, tuple):
        raise DataError(f"{path}: field allclasses_names: expected text, found {in_words(names)}")
    locs = {name: indices(path, name, found[name]) for name in REQUIRED_LOCS + OPTIONAL_LOCS if name in found}
    return SplitTable(
        vectors=np.ascontiguousarray(_matrix(path, field, found[field]).T, dtype=np.float64),
        names=names or None,
        trainval=locs["trainval_loc"],
        test_seen=locs["test_seen_loc"],
        test_unseen=locs["test_unseen_loc"],
        train=locs.get("train_loc"),
        val=locs.get("val_loc"),
    )


def indices(path: Path, field: str, value: Value) -> Rows:
    """Return a 1-based column or row of whole numbers as 0-based int64.

    The cast comes before the subtraction: files store ``uint8`` and ``uint16``, where 0 - 1 is 255 and 65,535.

    Raises:
        DataError: no vector of whole numbers.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iuf" or value.size not in (*value.shape, 0):
        raise DataError(f"{path}: field {field}: expected a column of whole numbers, found {in_words(value)}")
    numbers = value.ravel()
    if numbers.size == 0:
        remedy = "; write the file again, without it" if field in OPTIONAL_LOCS else "; write the file again"
        raise DataError(f"{path}: field {field}: expected a column of whole numbers, found an empty one{remedy}")
    if numbers.dtype.kind == "f" and not (np.isfinite(numbers).all() and (numbers == np.rint(numbers)).all()):
        raise DataError(f"{path}: field {field}: expected whole numbers, found fractions, NaN or infinity")
    largest = max(int(numbers.max()), -int(numbers.min()))
    if largest > LARGEST:
        raise DataError(f"{path}: field {field}: expected numbers of rows or classes, found {largest:g}")
    return numbers.astype(np.int64) - 1


def _matrix(path: Path, field: str, value: Value) -> NDArray[np.generic]:
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "iuf" or value.ndim != 2 or value.size == 0:
        raise DataError(f"{path}: field {field}: expected a non-empty matrix of real numbers, found {in_words(value)}")
    return value


def _require(path: Path, found: dict[str, Value], fields: tuple[str, ...], what: str) -> None:
    missing = [field for field in fields if field not in found]
    if not missing:
        return
    present = variable_names(path)
    hint = "is it the right file?"
    if {"features", "labels"} <= set(present) or {"att", "trainval_loc"} <= set(present):
        kind = "a features file" if "features" in present else "a splits file"
        hint = f"it looks like {kind}: were the two files swapped?" if kind != what else hint
    if missing == ["original_att"]:
        hint = "not every copy has it; dataset.semantics=att reads the normalised attributes"
    raise DataError(
        f"{path}: field {', '.join(missing)}: expected in {what}, "
        f"found only {', '.join(present) or 'no variables'}; {hint}"
    )
