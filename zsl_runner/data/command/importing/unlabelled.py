"""Reads rows that nobody labelled, and vectors of classes that they may belong to, from files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from zsl_runner.data.command.importing.arrays import Files, Found
from zsl_runner.data.command.importing.fitting import CLASS_NAMES, CLASS_VECTORS, FEATURES, images_beside
from zsl_runner.errors import ConfigError


@dataclass(frozen=True)
class Unlabelled:
    """What was read; nothing is said yet of sizes.

    Attributes:
        rows: features, a row for each picture.
        images: names of the pictures, if there are any beside them.
        class_vectors: a row for each class, if classes were given.
        class_names: their names.
    """

    rows: Found
    images: tuple[str, ...] | None
    class_vectors: Found | None = None
    class_names: tuple[str, ...] = ()


def read_unlabelled(rows: str, classes: str | None = None) -> Unlabelled:
    """Read features and, if they are given, classes; each is ``FILE`` or ``FILE:VARIABLE``.

    Args:
        rows: file of the features.
        classes: file of class vectors with their names.

    Raises:
        ConfigError: there is no such file, it is of no kind that is read or holds no such variable, or there are no
            names beside class vectors.
        DataError: a file cannot be read, or has not one name for each row.
    """
    files = Files()
    features = files.variable(rows, "features", FEATURES)
    images = images_beside(rows, files, len(np.atleast_1d(features.value)))  # one number is refused with other shapes
    if classes is None:
        return Unlabelled(features, images)
    vectors = files.variable(classes, "class vectors", CLASS_VECTORS)
    names = files.beside(classes, CLASS_NAMES)
    if names is None or not isinstance(names.value, tuple):
        raise ConfigError(
            f"{vectors.origin}: expected names of the classes beside their vectors, as a variable or column "
            f"{CLASS_NAMES[0]}, found none; zsl-data class-vectors writes such files"
        )
    return Unlabelled(features, images, vectors, names.value)
