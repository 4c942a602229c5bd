"""Lists folders, of which one that cannot be read is not an empty one; and the folder of prepared data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from zsl_runner.errors import RunError


def entries(folder: Path, pattern: str = "*") -> list[Path]:
    """Return what lies in a folder, in the order of names; nothing if there is no such folder.

    `pathlib.Path.glob` takes a folder without permission for an empty one.

    Args:
        folder: the folder.
        pattern: what names must match, as in a shell.

    Raises:
        RunError: the folder is there and cannot be read.
    """
    try:
        with os.scandir(folder) as found:
            return sorted(folder / entry.name for entry in found if fnmatchcase(entry.name, pattern))
    except FileNotFoundError:
        return []
    except OSError as error:
        raise RunError(f"{folder}: cannot be read: {error.strerror or error}; nothing was changed") from error


@dataclass(frozen=True)
class KeptCopy:
    """A fast copy that loading leaves behind.

    Attributes:
        path: its file; None if the configuration keeps none.
        usable: whether it is there, whole and of the present source, so that the next load reads it.
    """

    path: Path | None
    usable: bool


def default_cache_folder() -> Path:
    """Return ``$ZSL_CACHE``, else ``zsl-run`` in the user's cache folder."""
    if chosen := os.environ.get("ZSL_CACHE"):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "zsl-run"


def chosen_cache_folder(choice: str | None) -> Path | None:
    """Return the folder that an option ``cache`` names: None for none, the usual one for ``auto``."""
    if choice is None:
        return None
    return default_cache_folder() if choice == "auto" else Path(choice).expanduser()
