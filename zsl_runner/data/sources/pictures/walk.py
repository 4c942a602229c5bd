"""Finds the pictures in a folder and in the folders below it. Never imports torch.

There is one walk for everything that is made of users' pictures. Hidden entries (a dot first) are skipped wherever they
are, links are followed, and what cannot be read is named: an unreadable folder is never an empty one.
"""

from __future__ import annotations

import os
import stat
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Final

from zsl_runner.errors import DataError
from zsl_runner.files.names import normal, some

ENDINGS: Final = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})

_Place = tuple[int, int]


@dataclass(frozen=True)
class PictureFile:
    """A picture's file.

    Attributes:
        parts: names of the folders below the one that was walked through, then the file's, all in the form of `normal`.
        path: where it is.
    """

    parts: tuple[str, ...]
    path: Path

    @property
    def name(self) -> str:
        """The path below the folder with slashes."""
        return "/".join(self.parts)

    @property
    def stem(self) -> str:
        """The same without the ending."""
        return PurePosixPath(self.name).with_suffix("").as_posix()


@dataclass(frozen=True)
class PictureTree:
    """What a walk found.

    Attributes:
        pictures: ascending by their parts: in one order whatever the file system and the language of the machine.
        folders: parts of the folders, empty ones among them.
        others: how many files were left out because of their endings, by ending in lower case.
    """

    pictures: list[PictureFile] = field(default_factory=list)
    folders: list[tuple[str, ...]] = field(default_factory=list)
    others: Counter[str] = field(default_factory=Counter)

    def notes(self) -> tuple[str, ...]:
        """Return which files were left out, for the record."""
        if not self.others:
            return ()
        counts = (f"{count} {ending or 'without one'}" for ending, count in sorted(self.others.items()))
        return (f"files left out because of their ending: {some(counts)}",)


def pictures_below(folder: Path, remedy: str) -> PictureTree:
    """Return the pictures in a folder and below it; see the module for what is followed and what is skipped.

    Args:
        folder: where to look.
        remedy: what to do if there is no such folder.

    Raises:
        DataError: the folder is missing or has no pictures; a folder cannot be read; a link points to nothing or into
            a circle; a picture is no ordinary file; a name is no UTF-8, or is there in two Unicode forms.
    """
    try:
        status = folder.stat()
    except (FileNotFoundError, NotADirectoryError):
        status = None
    except OSError as error:
        raise DataError(f"{folder}: the folder cannot be read: {error.strerror or error}; {remedy}") from error
    if status is None or not stat.S_ISDIR(status.st_mode):
        raise DataError(f"{folder}: expected a folder; {remedy}")
    tree = PictureTree()
    _walk(folder, (), {_place(status): folder}, tree)
    tree.pictures.sort(key=lambda picture: picture.parts)
    tree.folders.sort()
    if not tree.pictures:
        raise DataError(f"{folder}: expected pictures ({', '.join(sorted(ENDINGS))}), found none")
    return tree


def _walk(folder: Path, parts: tuple[str, ...], above: dict[_Place, Path], tree: PictureTree) -> None:
    """Add what is in ``folder`` to the tree; ``above`` are the folders on the way to it and itself."""
    taken: dict[str, str] = {}
    for name in _names(folder):
        path = folder / name
        status = _status(path)
        is_folder = stat.S_ISDIR(status.st_mode)
        ending = path.suffix.lower()
        if not is_folder and ending not in ENDINGS:
            tree.others[ending if ending.isprintable() else "others"] += 1
            continue
        readable = _readable(folder, name)
        if readable in taken:
            raise DataError(
                f"{folder}: {taken[readable]!a} and {name!a} are one name in two Unicode forms; rename or remove one"
            )
        taken[readable] = name
        if is_folder:
            place = _place(status)
            if place in above:
                raise DataError(
                    f"{path}: expected a folder below, found a link back to {above[place]}, which holds it; "
                    "remove the link"
                )
            tree.folders.append((*parts, readable))
            _walk(path, (*parts, readable), {**above, place: path}, tree)
        elif stat.S_ISREG(status.st_mode):
            tree.pictures.append(PictureFile((*parts, readable), path))
        else:
            raise DataError(f"{path}: expected a picture's file, found a device, pipe or socket; remove it")


def _names(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not entry.name.startswith("."))
    except OSError as error:
        raise DataError(
            f"{folder}: the folder cannot be read: {error.strerror or error}; make it readable, or hide it from the "
            "walk with a dot before its name"
        ) from error


def _status(path: Path) -> os.stat_result:
    try:
        return path.stat()
    except FileNotFoundError as error:
        raise DataError(
            f"{path}: expected a file or folder, found a link to nothing ({_target(path)}); mend or remove it"
        ) from error
    except OSError as error:  # a link to itself, or into a folder that may not be entered
        raise DataError(f"{path}: cannot be read: {error.strerror or error}; mend or remove it") from error


def _target(path: Path) -> str:
    try:
        return os.readlink(path)
    except OSError:  # it was no link and vanished just now
        return "it vanished"


def _readable(folder: Path, name: str) -> str:
    """Return a name in the form of `normal`."""
    try:
        name.encode()
    except UnicodeEncodeError as error:
        raise DataError(f"{folder}: expected names in UTF-8, found {os.fsencode(name)!r}; rename it") from error
    return normal(name)


def _place(status: os.stat_result) -> _Place:
    return status.st_dev, status.st_ino
