"""Rows and classes that no split of a run's data holds: given by hand, of another folder, or generated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from zsl_runner.config.problems import did_you_mean
from zsl_runner.data.records import Records
from zsl_runner.data.rows import on_device
from zsl_runner.data.stages import AnyFold
from zsl_runner.data.zero_shot.folds import ZeroShotEvaluation, ZeroShotFold, ZeroShotTraining
from zsl_runner.data.zero_shot.records import SIZES, ZeroShotRecords
from zsl_runner.data.zero_shot.scaling import scale_class_vectors
from zsl_runner.errors import DataError, OptionError
from zsl_runner.files.names import some

BLOCK = 4096
UNIT_NORM = 1e-2
"""Deviation from 1 of a norm that is meant to be 1: in a file entries may have few decimals."""


def zero_shot_training(train: Any) -> ZeroShotTraining:
    """Return a training set that has class vectors.

    Raises:
        DataError: it is of another kind of data.
    """
    if isinstance(train, ZeroShotTraining):
        return train
    raise OptionError(f"expected features with class vectors, found {_kind(train)}; only zero-shot data have them")


def zero_shot_fold(fold: AnyFold) -> ZeroShotFold:
    """Return a fold of zero-shot data whose evaluation set is seen as such.

    Raises:
        DataError: it is of another kind of data.
    """
    zero_shot_training(fold.train)
    if isinstance(fold.evaluation, ZeroShotEvaluation):
        return fold
    raise OptionError(f"expected rows of seen and unseen classes to evaluate on, found {_kind(fold.evaluation)}")


def class_names(records: Records) -> tuple[str, ...]:
    """Return the names of a zero-shot data set's classes.

    Raises:
        DataError: the data are of another kind.
    """
    if isinstance(records, ZeroShotRecords):
        return records.class_names
    raise DataError(f"{records.name}: expected features with class vectors, found {_kind(records)}")


def class_ids(classes: str | int | Sequence[str | int], names: Sequence[str]) -> list[int]:
    """Return class ids of names or ids; one alone stands for a list of one.

    Raises:
        OptionError: a class is unknown, or its name is that of several classes.

    >>> class_ids(["cat", 0], ["dog", "cat"]), class_ids("dog", ["dog", "cat"])
    ([1, 0], [0])
    """
    given = [classes] if isinstance(classes, str | int | np.integer) else list(classes)
    if not given:
        raise OptionError("classes: expected names or numbers of classes, found none")
    return [_class_id(one, names) for one in given]


def _class_id(one: Any, names: Sequence[str]) -> int:
    if isinstance(one, str):
        found = [index for index, name in enumerate(names) if name == one]
        if len(found) > 1:
            raise OptionError(f"classes: {one!r} is the name of classes {found}; give the number")
        if not found:
            raise OptionError(
                f"classes: unknown class {one!r}; expected a name of the run's classes{did_you_mean(one, names)}"
            )
        return found[0]
    if isinstance(one, int | np.integer) and not isinstance(one, bool) and 0 <= one < len(names):
        return int(one)
    raise OptionError(f"classes: expected a name, or a number in 0..{len(names) - 1}, found {one!r}")


def own_rows(rows: ArrayLike | Tensor, width: int, device: torch.device) -> Tensor:
    """Return rows in the scale of the data set as a float32 matrix on a device.

    Raises:
        DataError: they are no numbers, not of that width, not finite, or larger than `SIZES` allows.
    """
    return _matrix("rows", rows, width, "features for each of at least one row", device)


def own_class_vectors(vectors: ArrayLike | Tensor, data: Records, mode: str, seen: Tensor) -> Tensor:
    """Return vectors of classes that the data set need not have, scaled as its own are.

    Args:
        vectors: (k, A) as the files of the data set have them.
        data: the data set, of zero-shot data.
        mode: its semantic scaling, see `scale_class_vectors`.
        seen: (S,) ids of the classes that the scaling is fitted on.

    Raises:
        DataError: they are no numbers, not of the width A, not finite, or larger than `SIZES` allows.
    """
    assert isinstance(data, ZeroShotRecords)  # a fold of it has class vectors
    own = torch.from_numpy(data.class_vectors).to(seen.device)
    given = _matrix("class_vectors", vectors, own.shape[1], "entries for each of at least one class", seen.device)
    return scale_class_vectors(torch.cat([own, given]), mode, seen)[len(own) :]


def require_own_norm(vectors: ArrayLike, data: Records, mode: str) -> None:
    """Refuse vectors of a file that were left as they are where those of the data set were scaled to unit norm.

    `zsl-data import` scales whatever it is given. In a program a vector of another norm can be meant, as one that lies
    between two classes; that a file holds such a one is more probably a mistake.

    Args:
        vectors: (k, A), which `own_class_vectors` takes.
        data: the data set, of zero-shot data.
        mode: its semantic scaling; after those that give all vectors one norm, the norm before is nothing.

    Raises:
        DataError: the data set's own vectors are of unit norm, and these are not.
    """
    assert isinstance(data, ZeroShotRecords)  # a fold of it has class vectors
    own, given = (np.linalg.norm(np.asarray(rows, np.float64), axis=1) for rows in (data.class_vectors, vectors))
    if mode in ("l2", "sqrt") or np.abs(own - 1).max() > UNIT_NORM or np.abs(given - 1).max() <= UNIT_NORM:
        return
    raise DataError(
        f"expected unit norm, as the class vectors of {data.name} have, found norms {given.min():.3g} "
        f"to {given.max():.3g}; divide each vector by its norm, as zsl-data import does"
    )


def own_names(names: Sequence[str], taken: Sequence[str]) -> tuple[str, ...]:
    """Return names of classes that the data set need not have.

    Raises:
        DataError: they are no texts, are not all different, or are those of classes already there.

    >>> own_names(["okapi", "quagga"], ["horse", "zebra"])
    ('okapi', 'quagga')
    """
    given = (names,) if isinstance(names, str) else tuple(names)
    for at, name in enumerate(given):
        if not isinstance(name, str) or not name:
            raise DataError(f"names: expected a name for each class, found {name!r}")
        if name in given[:at] or name in taken:
            whose = "of two classes" if name in given[:at] else "of a class that the run has already"
            raise DataError(f"names: expected names that tell classes apart, found {name!r}, which is that {whose}")
    return given


def _matrix(name: str, values: ArrayLike | Tensor, width: int, line: str, device: torch.device) -> Tensor:
    try:
        with np.errstate(over="ignore"):
            array = np.asarray(values.detach().cpu() if isinstance(values, Tensor) else values, np.float32, order="C")
    except (TypeError, ValueError) as error:
        raise DataError(f"{name}: expected a matrix of numbers, found {type(values).__name__}: {error}") from error
    if array.ndim != 2 or array.shape[1] != width or len(array) == 0:
        raise DataError(f"{name}: expected shape (n, {width}), a line of {width} {line}, found {array.shape}")
    most = SIZES[1]
    bad = np.flatnonzero(~(np.abs(array) <= most).all(axis=1))  # NaN, too, is not at most anything
    if len(bad):
        raise DataError(
            f"{name}: expected finite values of at most {most:g} in size, found NaN, infinity or larger ones in "
            f"{len(bad)} of {len(array)} rows, first in row {bad[0]}"
        )
    return torch.tensor(array, device=device)  # a copy: nothing that is done here reaches the caller's array


def with_rows(fold: ZeroShotFold, matrix: Tensor) -> ZeroShotFold:
    """Return the fold with rows (n, D) of unknown classes for evaluation.

    They stand where rows of unseen classes do, so that they are scored for the unseen classes alone, too. All labels
    are class 0 and mean nothing.
    """
    data, view = fold.evaluation, fold.train.features.others(matrix)
    none = torch.arange(0, device=matrix.device)
    evaluation = replace(
        data, name="rows", seen=view.part(none), seen_labels=none, unseen=view, unseen_labels=view.rows * 0
    )
    return ZeroShotFold(fold.train, evaluation)


def with_classes(fold: ZeroShotFold, vectors: Tensor, names: Sequence[str]) -> ZeroShotFold:
    """Return the fold with other unseen classes, numbered after all there are, and no rows to evaluate on.

    Args:
        fold: a fold.
        vectors: (k, A) scaled class vectors.
        names: k names.

    Raises:
        DataError: there is not one name for each vector.
    """
    train, data = fold.train, fold.evaluation
    if len(names) != len(vectors):
        raise DataError(f"names: expected {len(vectors)}, one for each class vector, found {len(names)}")
    ids = torch.arange(len(vectors), device=vectors.device) + len(train.class_vectors)
    described = torch.cat([train.class_vectors, vectors])
    none = torch.arange(0, device=vectors.device)
    evaluation = replace(
        data,
        name="rows",
        seen=data.seen.part(none),
        seen_labels=none,
        unseen=data.unseen.part(none),
        unseen_labels=none,
        class_vectors=described,
        unseen_classes=ids,
        class_names=(*data.class_names, *names),
    )
    return ZeroShotFold(replace(train, class_vectors=described, unseen_classes=ids, unseen_prior=None), evaluation)


def with_records(fold: ZeroShotFold, records: Records) -> tuple[ZeroShotFold, list[str]]:
    """Return the fold with all rows of another data set for evaluation, and what to know about them.

    The classes are the run's own, with its class vectors; a name says which class is which. Splits of the other data
    set have no meaning here.

    Raises:
        DataError: the other data set has other classes or features, or no row of the stage's seen or unseen classes.
    """
    assert isinstance(records, ZeroShotRecords)  # the layout is the run's own
    data, train = fold.evaluation, fold.train
    _require_fitting(data, train.features.width, records)
    place = {name: index for index, name in enumerate(data.class_names)}
    device = train.labels.device
    labels = np.array([place[name] for name in records.class_names])[records.labels]
    view = train.features.others(torch.from_numpy(records.features).to(device))
    seen, unseen = (np.flatnonzero(np.isin(labels, ids.cpu())) for ids in (data.seen_classes, data.unseen_classes))
    for what, found in (("seen", seen), ("unseen", unseen)):
        if len(found) == 0:
            raise OptionError(f"new rows: expected some of the stage's {what} classes, found none")

    evaluation = replace(
        data,
        name="new",
        seen=view.part(on_device(seen, device)),
        seen_labels=on_device(labels[seen], device),
        unseen=view.part(on_device(unseen, device)),
        unseen_labels=on_device(labels[unseen], device),
    )
    return ZeroShotFold(train, evaluation), _remarks(train, records, len(seen) + len(unseen))


def _require_fitting(data: ZeroShotEvaluation, width: int, records: ZeroShotRecords) -> None:
    if records.features.shape[1] != width:
        raise OptionError(f"new rows: expected {width} features, as the run has, found {records.features.shape[1]}")
    for whose, names in (("the run's data", data.class_names), ("the new data", records.class_names)):
        if len(set(names)) < len(names):
            raise OptionError(f"new rows: {whose} have classes of equal names, so nobody can tell which is which")
    absent = sorted(set(data.class_names) - set(records.class_names))
    foreign = sorted(set(records.class_names) - set(data.class_names))
    if absent or foreign:
        raise OptionError(
            f"new rows: expected the {len(data.class_names)} classes of the run by name, found "
            f"{len(absent)} missing ({some(absent) or 'none'}) and {len(foreign)} others ({some(foreign) or 'none'})"
        )


def _remarks(train: ZeroShotTraining, records: ZeroShotRecords, scored: int) -> list[str]:
    found = []
    left_out = len(records.labels) - scored
    if left_out:
        found.append(f"{left_out} new rows are of classes that are no candidates in this stage, and left out")
    known = {hash(row.tobytes()) for _, block in train.features.unscaled().blocks(BLOCK) for row in block.cpu().numpy()}
    again = sum(hash(row.tobytes()) in known for row in records.features)
    if again:
        found.append(f"{again} new rows equal rows the run was trained on: the metrics are too good")
    return found


def _kind(of: object) -> str:
    return type(of).__name__
