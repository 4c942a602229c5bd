"""Reads which classes the images of a folder show."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from zsl_runner.errors import DataError
from zsl_runner.files.names import normal, other_case, read_names, some


def read_tags(
    path: Path, names: Sequence[str], needed: Sequence[str], classes: Sequence[str]
) -> dict[str, NDArray[np.bool_]]:
    """Return for each image (K - 1,) which classes but the background it shows, by its name.

    Args:
        path: a text file, in each line the name of an image and its tags with commas between.
        names: of all images, in the form of `normal`.
        needed: those that must have tags.
        classes: K names, that of the background first.

    Raises:
        DataError: a line names no image, an image twice, no tag or an unknown one; an image has no line.
    """
    known = set(names)
    labels = {normal(name): label for label, name in enumerate(classes)}
    tags: dict[str, NDArray[np.bool_]] = {}
    for line in read_names(path, "names and tags"):
        name, *shown = _parts(path, line)
        if name not in known:
            raise DataError(
                f"{path}: expected names of images without their ending; no image is called "
                f"{name}{other_case([name], names)}"
            )
        if not shown or shown == [""]:
            raise DataError(f"{path}: {name}: expected at least one tag, found none; leave the image out of the folder")
        if name in tags:
            raise DataError(f"{path}: {name!r} is there twice; an image has one line with all its tags")
        unknown = [tag for tag in shown if tag not in labels]
        if unknown:
            raise DataError(
                f"{path}: {name}: expected tags among {some(classes[1:])}, found {some(unknown)}"
                f"{other_case(unknown, classes)}; name all classes in dataset.classes"
            )
        if classes[0] in shown:
            raise DataError(f"{path}: {name}: {classes[0]!r} is the background, which is no tag; leave it out")
        tags[name] = np.isin(np.arange(1, len(classes)), [labels[tag] for tag in shown])
    if without := [name for name in needed if name not in tags]:
        raise DataError(f"{path}: expected a line for each image, found none for {len(without)}: {some(without)}")
    return tags


def _parts(path: Path, line: str) -> list[str]:
    """Return the entries of a line; one with a comma in it stands in quotation marks."""
    try:
        return [part.strip() for part in next(csv.reader([line]))]
    except csv.Error as error:
        raise DataError(f"{path}: expected names with commas between, found a line that is no such: {error}") from error
