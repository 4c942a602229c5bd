"""Divides classes into seen, unseen and validation ones, and rows of seen classes into training and test rows."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from zsl_runner.data.command.importing.arrays import Files, Found
from zsl_runner.data.command.importing.numbers import from_digits, listed, whole_numbers
from zsl_runner.data.command.importing.request import LEAST_SEEN, Request
from zsl_runner.data.command.importing.table import MATRIX
from zsl_runner.data.records import Rows
from zsl_runner.data.zero_shot.draws import draw_validation_classes, held_out_rows
from zsl_runner.errors import ConfigError, DataError
from zsl_runner.files.folders import expanded
from zsl_runner.files.names import misnamed, normal, read_names, some

TEST_ROWS = ("test_rows", MATRIX)


def unseen_classes(request: Request, names: Sequence[str]) -> tuple[Rows, str]:
    """Return the ids of the unseen classes among ``names``, ascending, and how they were chosen.

    Raises:
        ConfigError: unknown or repeated names, or fewer than two classes left.
        DataError: a file of names cannot be read.
    """
    if request.unseen is not None:
        unseen, how = _chosen("--unseen", request.unseen, names), "as listed"
    else:
        count, most = request.draw_unseen or 0, len(names) - LEAST_SEEN
        if most < 1:
            raise ConfigError(
                f"--draw-unseen: expected one class more than the two seen ones, found {len(names)} in all"
            )
        if not 1 <= count <= most:
            raise ConfigError(
                f"--draw-unseen: expected 1 to {most}, so that two of the {len(names)} classes are seen, found {count}"
            )
        unseen = np.sort(np.random.default_rng([request.seed, 1]).permutation(len(names))[:count])
        how = f"drawn with seed {request.seed}"
    if len(names) - len(unseen) < LEAST_SEEN:
        raise ConfigError(f"--unseen: expected at least two seen classes, found {len(names) - len(unseen)}")
    return unseen, how


def validation_classes(request: Request, names: Sequence[str], seen: Rows) -> tuple[Rows | None, str]:
    """Return the ids of the validation classes, None if the choice is left to a run, and how they were chosen.

    Raises:
        ConfigError: unknown, repeated or unseen classes, or all of the seen ones.
        DataError: a file of names cannot be read.
    """
    if request.validation is not None:
        validation = _chosen("--validation", request.validation, names)
        wrong = np.setdiff1d(validation, seen)
        if len(wrong):
            raise ConfigError(
                f"--validation: expected seen classes, found {listed(names, wrong)} among the unseen ones"
            )
        how = "as listed"
    elif request.draw_validation is not None:
        if not 1 <= request.draw_validation < len(seen):
            raise ConfigError(
                f"--draw-validation: expected 1 to {len(seen) - 1}, fewer than the seen classes, found "
                f"{request.draw_validation}"
            )
        validation = draw_validation_classes(seen, request.draw_validation, request.seed)
        how = f"drawn with seed {request.seed}"
    else:
        return None, "not said; a run draws a fifth of the seen classes, or dataset.validation_classes of them"
    if len(validation) == len(seen):
        raise ConfigError(
            "--validation: expected some of the seen classes, found all; at least one must be left to train on"
        )
    return validation, f"{len(validation)} {how}"


def _chosen(option: str, argument: str, names: Sequence[str]) -> Rows:
    """Return the ids of classes that an option names: one, several with commas between, or a file of them."""
    known = {name: number for number, name in enumerate(names)}
    whole, path = normal(argument.strip()), expanded(argument)
    chosen = [whole] if whole in known else [normal(part.strip()) for part in argument.split(",")]
    if not known.keys() >= set(chosen) and _is_file(path):
        chosen = read_names(path, "names")
    wrong = misnamed(chosen, names, "names of classes or a file of them")
    if wrong:
        raise ConfigError(f"{option}: {wrong}")
    return np.array(sorted(known[name] for name in chosen), dtype=np.int64)


def _is_file(path: Path) -> bool:
    """Tell whether there is such a file; a list of names may be longer than the name of any."""
    try:
        return path.is_file()
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return False
        raise


def rows_of_seen_classes(
    request: Request, files: Files, labels: Rows, seen: Rows, names: Sequence[str]
) -> tuple[Rows, Rows, str]:
    """Return rows of seen classes for training and for testing, and how they were chosen.

    Raises:
        DataError: a seen class without a row to train on, or no row to test.
    """
    of_seen = np.flatnonzero(np.isin(labels, seen))
    if request.test_rows is None:
        if (np.bincount(labels[of_seen])[seen] < 2).all():
            raise DataError(
                "expected a seen class with at least two rows, one to train on and one to test, found one row of each; "
                "all rows of the unseen classes are for testing"
            )
        trainval, test_seen = held_out_rows(labels, of_seen, request.test_share, request.seed)
        return trainval, test_seen, f"{request.test_share:g} of each seen class, drawn with seed {request.seed}"
    found = files.variable(request.test_rows, "test rows", TEST_ROWS)
    test = _marked(found, len(labels), request.first)
    test_seen = np.intersect1d(test, of_seen)
    trainval = np.setdiff1d(of_seen, test)
    if not len(test_seen):
        raise DataError(f"{found.origin}: expected rows of seen classes, found none")
    untrained = np.setdiff1d(seen, labels[trainval])
    if len(untrained):
        raise DataError(
            f"{found.origin}: expected rows to train on of every seen class, found all rows of "
            f"{listed(names, untrained)} for testing"
        )
    return trainval, test_seen, f"as in {found.origin}"


def _marked(found: Found, rows: int, first: int) -> Rows:
    """Return the rows that a mask of all rows (true and false, or 1 and 0), or a list of numbers, means."""
    given = from_digits(found)
    if given is None:
        assert isinstance(found.value, tuple)
        raise DataError(f"{found.origin}: expected numbers of rows, found {some(found.value)}")
    value = given.value
    assert not isinstance(value, tuple)
    is_vector = value.size in value.shape
    if value.dtype == np.bool_ and not (is_vector and value.size == rows):
        raise DataError(f"{found.origin}: expected a mask of {rows} rows, found shape {value.shape}")
    # As numbers of rows, each once, three entries of 0 and 1 make no sense; MATLAB's masks and those in text are such.
    if value.dtype == np.bool_ or (is_vector and value.size == rows > 2 and np.isin(value, (0, 1)).all()):
        return np.flatnonzero(value)
    numbers = whole_numbers(given, rows, first, "rows")
    if len(np.unique(numbers)) < len(numbers):
        raise DataError(f"{found.origin}: expected each row once, found {len(numbers) - len(np.unique(numbers))} twice")
    return numbers
