"""Fits features, labels and class vectors together; refuses what does not fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.command.importing.arrays import Files, Found
from zsl_runner.data.command.importing.division import rows_of_seen_classes, unseen_classes, validation_classes
from zsl_runner.data.command.importing.numbers import from_digits, listed, size, whole_numbers
from zsl_runner.data.command.importing.request import Request, Understood, unit
from zsl_runner.data.command.importing.table import MATRIX
from zsl_runner.data.records import Rows
from zsl_runner.data.zero_shot.records import size_problem
from zsl_runner.errors import ConfigError, DataError, RunError
from zsl_runner.files.names import other_case, repeated, some

FEATURES = ("features", MATRIX)
LABELS = ("labels", "label", "class", "names", "name")
IMAGES = ("files", "file", "image_files")
CLASS_VECTORS = ("class_vectors", "att", MATRIX)
CLASS_NAMES = ("names", "name", "class_names", "allclasses_names", "class")
CLASS_LABELS = ("labels", "label")


def understand(request: Request, files: Files) -> Understood:
    """Read the files of a request and fit them together.

    Raises:
        ConfigError: an option does not fit the files, or one that they need is missing.
        DataError: what else does not fit, with file and variable, expected and found.
    """
    found = files.variable(request.features, "features", FEATURES)
    features = _matrix(found, request.features_turned, "--features-are", "N,D", "an image")
    if (problem := size_problem(features)) is not None:
        raise DataError(f"{found.origin}: {problem}")
    if (features == features[0]).all():
        raise DataError(f"{found.origin}: expected rows that differ, found {len(features)} equal ones")
    given = _labels_found(request, files)
    if size(given) != len(features):
        raise _other_length(found, features, given, request)
    vectors_found = files.variable(request.class_vectors, "class vectors", CLASS_VECTORS)
    vectors = _matrix(vectors_found, request.class_vectors_turned, "--class-vectors-are", "C,A", "a class")
    names_found = _names_found(request, files, given, len(vectors))
    known = None if names_found is None else _checked_names(names_found, vectors_found, vectors, request)
    labels, how = _class_ids(given, known, vectors_found, vectors, request)
    names = known or tuple(f"class_{number:03d}" for number in range(1, len(vectors) + 1))
    _check_classes(labels, names, given, vectors_found)
    _check_vectors(vectors, vectors_found, names)
    unseen, unseen_how = unseen_classes(request, names)
    seen = np.setdiff1d(np.arange(len(names)), unseen)
    validation, validation_how = validation_classes(request, names, seen)
    trainval, test_seen, rows_how = rows_of_seen_classes(request, files, labels, seen, names)
    test_unseen = np.flatnonzero(np.isin(labels, unseen))
    named = f"called {names_found.origin}" if names_found else "without names, so they are numbered"
    rows = (
        f"{len(trainval):,} trainval; {len(test_seen):,} test_seen, {rows_how}; {len(test_unseen):,} test_unseen, all"
    )
    test_words = "listed test rows" if request.test_rows else f"test rows {rows_how}"
    return Understood(
        features=features,
        labels=labels,
        class_vectors=vectors,
        class_names=names,
        images=images_beside(request.features, files, len(features)),
        trainval=trainval,
        test_seen=test_seen,
        test_unseen=test_unseen,
        validation_classes=validation,
        split=f"own: {len(seen)} seen / {len(unseen)} unseen classes, {unseen_how}; {test_words}",
        lines=(
            ("features", f"{found.words()}: {features.shape[0]:,} rows of {features.shape[1]:,}"),
            ("kind", request.feature_kind or "not said; --feature-kind names it in results"),
            ("labels", f"{given.origin}, {how}"),
            ("class vectors", f"{vectors_found.words()}: {len(vectors):,} classes of {vectors.shape[1]:,}, {named}"),
            ("unseen", f"{len(unseen)} {unseen_how}: {listed(names, unseen)}"),
            ("seen", f"{len(seen)}: {listed(names, seen)}"),
            ("validation", validation_how + ("" if validation is None else f": {listed(names, validation)}")),
            ("rows", f"{rows} of unseen classes"),
        ),
    )


def _matrix(found: Found, turned: bool, option: str, axes: str, row: str) -> NDArray[np.float32]:
    """Return a matrix with a row for each image or class as float32, which is what models see."""
    value = found.value
    if isinstance(value, tuple) or value.dtype.kind not in "biuf" or value.ndim != 2 or not value.size:
        what = found.words() if isinstance(value, tuple) else f"{value.dtype} of shape {value.shape}"
        raise DataError(
            f"{found.origin}: expected a non-empty matrix of real numbers with a row for {row} ({option} {axes}), "
            f"found {what}"
        )
    with np.errstate(over="ignore"):
        matrix = np.ascontiguousarray(value.T if turned else value, dtype=np.float32)
    bad = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if len(bad):
        raise DataError(
            f"{found.origin}: expected finite numbers, found NaN, infinity or what float32 cannot hold in {len(bad):,} "
            f"of {len(matrix):,} rows, the first of which is number {bad[0]} (from 0)"
        )
    return matrix


def _labels_found(request: Request, files: Files) -> Found:
    """Return the labels, whose rows are those of the features.

    Raises:
        ConfigError: there are none.
        DataError: the names of images beside them and beside the features say otherwise.
    """
    if request.labels is not None:
        given = files.variable(request.labels, "labels", (*LABELS, MATRIX))
        _require_one_order(files.beside(request.features, IMAGES), files.beside(request.labels, IMAGES))
        return given
    found = files.beside(request.features, LABELS)
    if found is None:
        raise ConfigError(
            f"{request.features}: expected labels beside the features, as a variable or column {LABELS[0]}, found "
            "none; give them with --labels FILE"
        )
    return found


def _names_found(request: Request, files: Files, labels: Found, classes: int) -> Found | None:
    """Return the names of the class vectors, if there are any; labels beside them name them, too.

    Raises:
        DataError: numbers or names beside the class vectors say that these are in another order.
    """
    found = files.beside(request.class_vectors, CLASS_NAMES)
    if request.class_names is not None:
        given = files.variable(request.class_names, "names", CLASS_NAMES)
        _require_one_order(found, given)
        return given
    if found is not None:
        return found
    beside = files.beside(request.class_vectors, CLASS_LABELS)
    if beside is None or beside.origin == labels.origin:
        return None
    if isinstance(beside.value, tuple):
        return beside
    if size(beside) == classes and beside.value.ravel().tolist() != list(range(request.first, request.first + classes)):
        raise DataError(
            f"{beside.origin}: expected the class vectors in the order of their labels, {request.first} to "
            f"{request.first + classes - 1}, found another; sort them, or save these labels and those of the features "
            "as text"
        )
    return None


def _require_one_order(first: Found | None, second: Found | None) -> None:
    """Refuse two lists of the same names in different orders; lists of different names may mean different things."""
    if first is None or second is None or not isinstance(first.value, tuple) or not isinstance(second.value, tuple):
        return
    if first.value != second.value and sorted(first.value) == sorted(second.value):
        place = next(k for k, (one, other) in enumerate(zip(first.value, second.value, strict=True)) if one != other)
        raise DataError(
            f"{second.origin}: expected the order of {first.origin}, found another: number {place} (from 0) is "
            f"{second.value[place]} and there {first.value[place]}; bring them into one order"
        )


def _other_length(found: Found, features: NDArray[np.float32], labels: Found, request: Request) -> RunError:
    """Return the refusal of features and labels of different lengths; the option is wrong if the other would fit."""
    count = size(labels)
    said = "D,N" if request.features_turned else "N,D"
    other = "N,D" if request.features_turned else "D,N"
    turned = features.shape[1] == count
    hint = f"the features are transposed: say --features-are {other}" if turned else "they are of different data"
    return (ConfigError if turned else DataError)(
        f"{found.origin}: expected a row for each of the {count:,} labels of {labels.origin}, found {len(features):,} "
        f"rows of {features.shape[1]:,} features (--features-are {said}); {hint}"
    )


def images_beside(features: str, files: Files, rows: int) -> tuple[str, ...] | None:
    """Return the names of images beside the features, if there are any.

    Args:
        features: ``FILE`` or ``FILE:VARIABLE``.
        files: where it is read.
        rows: how many there are.

    Raises:
        DataError: these are no names, or not one of each row.
    """
    found = files.beside(features, IMAGES)
    if found is None:
        return None
    if not isinstance(found.value, tuple) or len(found.value) != rows:
        raise DataError(f"{found.origin}: expected {rows} names, one of each row, found {found.words()}")
    return found.value


def _checked_names(names: Found, found: Found, vectors: NDArray[np.float32], request: Request) -> tuple[str, ...]:
    """Return the names of classes, one for each class vector and each once."""
    if not isinstance(names.value, tuple):
        raise DataError(f"{names.origin}: expected names, found {names.words()}")
    if len(names.value) != len(vectors):
        raise _other_number(found, vectors, f"{len(names.value)} names of {names.origin}", len(names.value), request)
    again = repeated(names.value)
    if again or "" in names.value:
        raise DataError(f"{names.origin}: expected a name of its own for each class, found {some(again) or 'none'}")
    return names.value


def _other_number(found: Found, vectors: NDArray[np.float32], of: str, classes: int, request: Request) -> RunError:
    """Return the refusal of class vectors for so many classes; the option is wrong if the other would fit."""
    said, other = ("A,C", "C,A") if request.class_vectors_turned else ("C,A", "A,C")
    turned = vectors.shape[1] == classes
    hint = f"; the class vectors are transposed: say --class-vectors-are {other}" if turned else ""
    return (ConfigError if turned else DataError)(
        f"{found.origin}: expected a row for each of the {of}, found {len(vectors)} rows of {vectors.shape[1]} "
        f"(--class-vectors-are {said}){hint}"
    )


def _class_ids(
    found: Found, names: tuple[str, ...] | None, vectors_found: Found, vectors: NDArray[np.float32], request: Request
) -> tuple[Rows, str]:
    """Return the classes of the rows, and how labels were read."""
    value = found.value
    if isinstance(value, tuple):
        known = {name: number for number, name in enumerate(names or ())}
        unknown = sorted(set(value) - known.keys())
        if not unknown:
            return np.array([known[name] for name in value], dtype=np.int64), f"{len(set(value))} different names"
        if from_digits(found) is None:
            if names is None:
                raise ConfigError(
                    f"{found.origin}: labels are names ({some(unknown)}), and the class vectors have none; give them "
                    "with --class-names FILE, in the order of the class vectors"
                )
            raise DataError(
                f"{found.origin}: expected names of the class vectors, found {some(unknown)}"
                f"{other_case(unknown, known)}"
            )
    numbered = from_digits(found) or found
    first = request.first
    _require_one_meaning(numbered, names or (), first)
    classes = len(np.unique(np.asarray(numbered.value)))
    if classes == vectors.shape[1] != len(vectors):
        raise _other_number(vectors_found, vectors, f"{classes} labels of {found.origin}", classes, request)
    numbers = whole_numbers(numbered, len(vectors), first, "classes")
    return numbers, f"numbers of class vectors, counting from {first} (--count-from {first})"


def _require_one_meaning(labels: Found, names: Sequence[str], first: int) -> None:
    """Refuse numbers that may be rows of class vectors or, in another order, the names these have."""
    assert not isinstance(labels.value, tuple)
    if not names or not all(name.isdecimal() and name.isascii() for name in names):
        return
    called = [int(name) for name in names]
    if called != list(range(first, first + len(called))) and np.isin(labels.value, called).all():
        raise DataError(
            f"{labels.origin}: expected labels of one meaning, found numbers that may be rows of the class vectors or "
            f"their names ({some(names)}); save labels that are names as text, or give names that are no numbers "
            "with --class-names FILE"
        )


def _check_classes(labels: Rows, names: Sequence[str], given: Found, vectors: Found) -> None:
    held = np.unique(labels)
    if len(held) == 1:
        raise DataError(f"{given.origin}: expected several classes, found one, {names[held[0]]}, in all rows")
    absent = np.setdiff1d(np.arange(len(names)), held)
    if len(absent):
        raise DataError(
            f"{vectors.origin}: expected rows of every class, found none of {listed(names, absent)}; leave their class "
            "vectors out" + ("; or do labels count from 1 (--count-from 1)?" if absent.tolist() == [0] else "")
        )


def _check_vectors(vectors: NDArray[np.float32], found: Found, names: Sequence[str]) -> None:
    zero = np.flatnonzero(~vectors.any(axis=1))
    if len(zero):
        raise DataError(f"{found.origin}: expected class vectors other than zero, found zeros of {listed(names, zero)}")
    directions = unit(vectors)
    if np.allclose(directions, directions[0], rtol=0, atol=1e-6):
        raise DataError(f"{found.origin}: expected class vectors of different directions, found one of all classes")
