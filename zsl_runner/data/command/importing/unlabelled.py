"""Reads rows that nobody labelled, and vectors of classes that a data set does not have, from files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zsl_runner.data.command.importing.arrays import Files, Found
from zsl_runner.data.command.importing.fitting import CLASS_NAMES, CLASS_VECTORS, FEATURES, images_beside
from zsl_runner.errors import ConfigError


@dataclass(frozen=True)
class UnlabelledRows:
    """What was read; nothing is said yet of sizes.

    Attributes:
        features: a row for each picture.
        images: names of the pictures, if there are any beside them.
    """

    features: Found
    images: tuple[str, ...] | None


@dataclass(frozen=True)
class DescribedClasses:
    """What was read; nothing is said yet of sizes.

    Attributes:
        vectors: a row for each class.
        names: of the classes.
    """

    vectors: Found
    names: tuple[str, ...]


def read_rows(rows: str) -> UnlabelledRows:
    """Read features; ``rows`` is ``FILE`` or ``FILE:VARIABLE``.

    Raises:
        ConfigError: there is no such file, it is of no kind that is read or holds no such variable.
        DataError: the file cannot be read, or has not one name of a picture for each row.
    """
    files = Files()
    features = files.variable(rows, "features", FEATURES)
    # One number alone is refused later, with other shapes.
    return UnlabelledRows(features, images_beside(rows, files, len(np.atleast_1d(features.value))))


def read_classes(classes: str) -> DescribedClasses:
    """Read class vectors with their names; ``classes`` is ``FILE`` or ``FILE:VARIABLE``.

    Raises:
        ConfigError: as in `read_rows`; or there are no names beside the vectors.
        DataError: the file cannot be read.
    """
    files = Files()
    vectors = files.variable(classes, "class vectors", CLASS_VECTORS)
    names = files.beside(classes, CLASS_NAMES)
    if names is None or not isinstance(names.value, tuple):
        raise ConfigError(
            f"{vectors.origin}: expected names of the classes beside their vectors, as a variable or column "
            f"{CLASS_NAMES[0]}, found none; zsl-data class-vectors writes such files"
        )
    return DescribedClasses(vectors, names.value)
