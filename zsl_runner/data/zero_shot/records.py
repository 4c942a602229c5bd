"""A zero-shot data set as numpy arrays. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import OWN, Provenance, Records, Rows, Wording, split_problems
from zsl_runner.files.names import some

SIZES: Final = (1e-10, 1e15)
"""Least and most that the largest value of a matrix may be. Beyond them squares of single precision, and norms with
them, vanish or overflow, so that scaled rows would all become zero without a word."""


@dataclass(frozen=True)
class ZeroShotRecords(Records):
    """A zero-shot data set in memory; all indices are 0-based.

    Attributes:
        name: label of the data set.
        features: (N, D) float32.
        labels: (N,) int64 in 0..K-1.
        class_vectors: (K, A) float32; row k describes class k.
        class_names: K names.
        seen_classes: (S,) class ids, ascending.
        unseen_classes: (U,) class ids, ascending, disjoint from the seen ones.
        trainval: row indices of the training split (seen classes).
        test_seen: row indices of the held-out rows of seen classes.
        test_unseen: row indices of the unseen classes.
        validation_classes: (V,) seen classes that play *unseen* in the tune stage.
        provenance: where all this came from.
        image_shape: (channels, height, width) if a feature row is an image in that order, else None.
    """

    INVARIANTS: ClassVar[str] = "splits disjoint and in range, labels fit classes, seen and unseen disjoint, all finite"
    name: str
    features: NDArray[np.float32]
    labels: Rows
    class_vectors: NDArray[np.float32]
    class_names: tuple[str, ...]
    seen_classes: Rows
    unseen_classes: Rows
    trainval: Rows
    test_seen: Rows
    test_unseen: Rows
    validation_classes: Rows
    provenance: Provenance = field(repr=False)
    image_shape: tuple[int, int, int] | None = None

    def problems(self, wording: Wording = OWN) -> list[str]:
        """Return the violated invariants of features, class vectors, classes and splits in the words of their files."""
        return _array_problems(self, wording) + _class_problems(self, wording) + _split_problems(self, wording)

    def doubts(self) -> list[str]:
        """Return which metrics are constant or empty by construction, and which classes look the same."""
        return [*_constant_metrics(self), *self.untested(), *self.alike()]

    def untested(self) -> list[str]:
        """Return that seen classes have no test row, if there are such."""
        absent = np.setdiff1d(self.seen_classes, self.labels[self.test_seen])
        if not len(absent):
            return []
        return [f"test_seen has no row of {_class_names(self, absent)}: test/S and test/H leave these seen classes out"]

    def alike(self) -> list[str]:
        """Return which classes have the same class vector."""
        _, groups, sizes = np.unique(self.class_vectors, axis=0, return_inverse=True, return_counts=True)
        groups_of_classes = (np.flatnonzero(groups.ravel() == group) for group in np.flatnonzero(sizes > 1))
        same = "have the same class vector: no model can tell them apart"
        return [f"{_class_names(self, classes)} {same}" for classes in groups_of_classes]

    def sizes(self) -> str:
        """Return the numbers of rows, features and classes."""
        rows, width = self.features.shape
        return f"{rows:,} rows of {width:,} features, {len(self.class_vectors)} classes"

    def facts(self) -> Iterable[tuple[str, str]]:
        """Yield the class vectors, and the sizes of classes and splits."""
        yield "vectors", self.provenance.semantics
        seen, validation = len(self.seen_classes), len(self.validation_classes)
        yield "classes", f"{seen} seen ({validation} of them for validation), {len(self.unseen_classes)} unseen"
        yield (
            "rows",
            f"{len(self.trainval):,} trainval, {len(self.test_seen):,} test_seen, "
            f"{len(self.test_unseen):,} test_unseen",
        )


def _array_problems(records: ZeroShotRecords, wording: Wording) -> list[str]:
    found = []
    classes = len(records.class_vectors)
    for field_name, matrix in (("features", records.features), ("class_vectors", records.class_vectors)):
        name = wording.name(field_name)
        if matrix.ndim != 2 or matrix.size == 0:
            found.append(f"{name}: expected a non-empty matrix, found shape {matrix.shape}")
            continue
        if matrix.dtype != np.float32:
            found.append(f"{name}: expected float32, found {matrix.dtype}")
        bad = _rows_not_finite(matrix)
        if bad:
            found.append(f"{name}: expected finite values, found NaN or infinity in {bad} of {len(matrix)} rows")
        elif (problem := size_problem(matrix)) is not None:
            found.append(f"{name}: {problem}")
        elif len(matrix) > 1 and _all_equal(matrix):
            found.append(f"{name}: expected rows that differ, found {len(matrix)} equal ones")
    if records.labels.shape != records.features.shape[:1]:
        found.append(
            f"{wording.name('labels')}: expected {len(records.features)} (one per feature row), "
            f"found shape {records.labels.shape}"
        )
    elif len(records.labels):
        low, high = int(records.labels.min()), int(records.labels.max())
        if low < 0 or high >= classes:
            found.append(
                f"{wording.name('labels')}: expected {wording.span(0, classes - 1)} (one class vector per class), "
                f"found {wording.span(low, high)}"
            )
    if len(records.class_names) != classes:
        found.append(
            f"{wording.name('class_names')}: expected {classes} (one per class vector), "
            f"found {len(records.class_names)}"
        )
    return found


def size_problem(matrix: NDArray[np.float32]) -> str | None:
    """Return that finite values are too large or too small for single precision to square, if they are."""
    largest, (least, most) = max(float(matrix.max()), -float(matrix.min())), SIZES
    if largest == 0 or least <= largest <= most:
        return None
    return (
        f"expected a largest value of {least:g} to {most:g} in size, found {largest:.3g}: correct a damaged value, or "
        "multiply all by one factor"
    )


def _rows_not_finite(matrix: NDArray[np.float32]) -> int:
    # Minimum and maximum carry NaN and infinity along and are several times faster than a mask of a large matrix.
    if np.isfinite(matrix.min()) and np.isfinite(matrix.max()):
        return 0
    return int(np.count_nonzero(~np.isfinite(matrix).all(axis=1)))


def _all_equal(matrix: NDArray[np.float32]) -> bool:
    # Of usual data the first two rows settle it.
    return bool((matrix[0] == matrix[1]).all() and (matrix == matrix[0]).all())


def _class_problems(records: ZeroShotRecords, wording: Wording) -> list[str]:
    found = []
    for name in ("seen_classes", "unseen_classes", "validation_classes"):
        ids: Rows = getattr(records, name)
        if len(ids) == 0 or (np.diff(ids) <= 0).any():
            listed = wording.numbers(ids.tolist()) or "none"
            found.append(f"{wording.name(name)}: expected class ids in ascending order, found {listed}")
    seen, unseen = set(records.seen_classes.tolist()), set(records.unseen_classes.tolist())
    if seen & unseen:
        found.append(
            f"{wording.name('classes')}: seen and unseen must be disjoint, both hold {wording.numbers(seen & unseen)}"
        )
    idle = set(range(len(records.class_vectors))) - seen - unseen
    if idle:
        found.append(f"{wording.name('classes')}: expected rows of every class, found none of {wording.numbers(idle)}")
    validation = set(records.validation_classes.tolist())
    if not validation < seen:
        outside = f"{wording.numbers(validation - seen)} outside them" if validation - seen else "all of them"
        found.append(
            f"{wording.name('validation_classes')}: expected some but not all of the seen classes, found {outside}"
        )
    return found


def _split_problems(records: ZeroShotRecords, wording: Wording) -> list[str]:
    rows = len(records.features)
    splits = {name: getattr(records, name) for name in ("trainval", "test_seen", "test_unseen")}
    found = split_problems(splits, rows, wording)
    for split, index in splits.items():
        if not len(index) or index.min() < 0 or index.max() >= rows or len(records.labels) != rows:
            continue
        name = wording.name(split)
        held = set(np.unique(records.labels[index]).tolist())
        allowed = set((records.unseen_classes if split == "test_unseen" else records.seen_classes).tolist())
        if held - allowed:
            found.append(f"{name}: holds rows of classes {wording.numbers(held - allowed)} that do not belong there")
        if split != "test_seen" and allowed - held:
            found.append(f"{name}: expected rows of every class, found none of {wording.numbers(allowed - held)}")
    return found


def _constant_metrics(records: ZeroShotRecords) -> Iterable[str]:
    """Yield a sentence on each metric that is constant by construction, and on a training on one class."""
    validation, training = records.validation_classes, np.setdiff1d(records.seen_classes, records.validation_classes)
    if len(validation) == 1:
        yield (
            f"the only validation class is {_class_names(records, validation)}: val/T1 is 100 whatever the model does; "
            "set dataset.validation_classes to 2 or more"
        )
    if len(records.unseen_classes) == 1:
        unseen = _class_names(records, records.unseen_classes)
        yield f"the only unseen class is {unseen}: test/T1 is 100 whatever the model does"
    if len(training) == 1:
        only = _class_names(records, training)
        yield f"the only seen class beside those for validation is {only}: the tune stage trains on a single class"
    counts = np.bincount(records.labels[records.trainval], minlength=len(records.class_vectors))
    if (counts[training] < 2).all():
        yield "no seen class has two training rows: none can be held out, and val/S is 0 whatever the model does"


def _class_names(records: ZeroShotRecords, classes: Rows) -> str:
    return some(records.class_names[label] for label in classes)
