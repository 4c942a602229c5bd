"""Finds and opens users' pictures. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Final

from PIL import Image

from zsl_runner.errors import DataError

ENDINGS: Final = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp"})


def picture_paths(folder: Path, remedy: str) -> list[Path]:
    """Return the pictures in a folder and below it, in the order of their names; hidden files are left out.

    Args:
        folder: where to look.
        remedy: what to do if there is no such folder.

    Raises:
        DataError: the folder is missing or has no pictures.
    """
    if not folder.is_dir():
        raise DataError(f"{folder}: expected a folder; {remedy}")
    found = [
        path
        for path in sorted(folder.rglob("*"))
        if path.suffix.lower() in ENDINGS and not path.name.startswith(".") and path.is_file()
    ]
    if not found:
        raise DataError(f"{folder}: expected pictures ({', '.join(sorted(ENDINGS))}), found none")
    return found


def opened(path: Path) -> Image.Image:
    """Return a picture, read completely.

    Raises:
        DataError: the file is no picture, or a damaged one.
    """
    try:
        picture = Image.open(path)
        picture.load()
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:  # what Pillow's readers raise
        raise DataError(f"{path}: cannot be read as a picture: {error}; copy or export it again") from error
    return picture


def some(names: Iterable[str]) -> str:
    """Return the first five names, and how many there are beside them.

    >>> some("abcdefg")
    'a, b, c, d, e and 2 more'
    """
    shown = list(names)
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")
