"""Pictures in folders that are called as their classes. Never imports torch."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from zsl_runner.data.sources.pictures.walk import PictureTree, pictures_below
from zsl_runner.errors import DataError
from zsl_runner.files.names import some

LAYOUT: Final = "expected a folder for each class with its pictures in it"


def class_pictures(folder: Path, remedy: str, otherwise: str = "move or remove them") -> tuple[PictureTree, list[str]]:
    """Return the pictures in the class folders of a folder, and the class of each; folders below one belong to it.

    Args:
        folder: where to look.
        remedy: what to do if there is no such folder.
        otherwise: what to do with pictures that lie in no class folder.

    Raises:
        DataError: see `pictures_below`; a picture lies in no class folder, or a class folder has no picture.
    """
    tree = pictures_below(folder, remedy)
    if loose := [picture.name for picture in tree.pictures if len(picture.parts) == 1]:
        raise DataError(f"{folder}: {LAYOUT}, found {some(loose)} beside them; {otherwise}")
    labels = [picture.parts[0] for picture in tree.pictures]
    if empty := sorted({parts[0] for parts in tree.folders}.difference(labels)):
        left_out = "".join(f" ({note})" for note in tree.notes())
        raise DataError(
            f"{folder}: {LAYOUT}, found no picture in {some(empty)}{left_out}; remove a folder that is no class, "
            "or hide it with a dot before its name"
        )
    return tree, labels
