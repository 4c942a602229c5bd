"""Rows of a file, which need no labels, assigned to classes by a run, or to classes that another file describes."""

from __future__ import annotations

from dataclasses import dataclass

from zsl_runner.data.command.importing.arrays import Files, Found
from zsl_runner.data.command.importing.fitting import CLASS_NAMES, CLASS_VECTORS, FEATURES, IMAGES
from zsl_runner.data.zero_shot.new_rows import zero_shot_fold
from zsl_runner.errors import ConfigError, DataError
from zsl_runner.evaluation.predictions import Predictions
from zsl_runner.runs.opened import TrainedRun


@dataclass(frozen=True)
class Assigned:
    """Rows of a file with their classes.

    Attributes:
        found: the rows with their predictions.
        class_names: names by class id.
        images: names of the pictures behind the rows, if the file has them.
        origin: file and variable of the rows.
    """

    found: Predictions
    class_names: tuple[str, ...]
    images: tuple[str, ...] | None
    origin: str


def assigned(run: TrainedRun, rows: str, classes: str | None = None) -> Assigned:
    """Assign the rows of a file to classes.

    Args:
        run: the run.
        rows: ``FILE`` or ``FILE:VARIABLE`` of (n, D) features in the scale of the run's data set.
        classes: likewise (k, A) class vectors with k names beside them, of classes that take the place of the stage's
            unseen ones; see `TrainedRun.with_classes`. None keeps the run's own.

    Raises:
        ConfigError: there is no such file, it is of no kind that is read, or holds no such variable; or the run's
            evaluator assigns no rows to classes.
        DataError: a file cannot be read, or does not fit the run.
    """
    zero_shot_fold(run.fold)
    files = Files()
    features = files.variable(rows, "features", FEATURES)
    if classes is not None:
        run = _described(run, files, classes)
    try:
        found = run.assign(features.value)
    except DataError as error:
        raise DataError(f"{features.origin}: {error}") from error
    return Assigned(found, run.classes, _names(files.beside(rows, IMAGES), len(found.rows)), features.origin)


def _names(beside: Found | None, rows: int) -> tuple[str, ...] | None:
    """Return the names of pictures beside the rows, if these are names and as many."""
    names = None if beside is None else beside.value
    return names if isinstance(names, tuple) and len(names) == rows else None


def _described(run: TrainedRun, files: Files, classes: str) -> TrainedRun:
    vectors = files.variable(classes, "class vectors", CLASS_VECTORS)
    names = files.beside(classes, CLASS_NAMES)
    if names is None or not isinstance(names.value, tuple):
        raise ConfigError(
            f"{vectors.origin}: expected names of the classes beside their vectors, as a variable or column "
            f"{CLASS_NAMES[0]}, found none; zsl-data class-vectors writes such files"
        )
    try:
        return run.with_classes(vectors.value, names.value)
    except DataError as error:
        raise DataError(f"{vectors.origin}: {error}") from error
