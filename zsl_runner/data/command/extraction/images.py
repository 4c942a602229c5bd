"""The pictures in folders that are called as their classes. Never imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from zsl_runner.data.sources.pictures.walk import pictures_below
from zsl_runner.errors import DataError
from zsl_runner.files.names import some

REMEDY = "give a folder that holds a folder of pictures for each class"


@dataclass(frozen=True)
class ClassImages:
    """Pictures with their classes, ascending by class and path.

    Attributes:
        paths: where they are.
        files: their paths below the folder, with slashes.
        labels: the classes they belong to.
        notes: what was left out.
    """

    paths: list[Path]
    files: list[str]
    labels: list[str]
    notes: tuple[str, ...]


def class_images(folder: Path) -> ClassImages:
    """Return the pictures in the class folders of a folder; folders below a class folder belong to its class.

    Raises:
        DataError: see `pictures_below`; a picture lies in no class folder, or a class folder has no picture.
    """
    tree = pictures_below(folder, REMEDY)
    loose = [picture.name for picture in tree.pictures if len(picture.parts) == 1]
    if loose:
        raise DataError(
            f"{folder}: expected pictures in class folders alone, found {some(loose)} beside them; {REMEDY}"
        )
    labels = [picture.parts[0] for picture in tree.pictures]
    empty = sorted({parts[0] for parts in tree.folders} - set(labels))
    if empty:
        raise DataError(f"{folder}: expected pictures in each class folder, found none in {some(empty)}; remove them")
    return ClassImages(
        [picture.path for picture in tree.pictures],
        [picture.name for picture in tree.pictures],
        labels,
        tree.notes(),
    )
