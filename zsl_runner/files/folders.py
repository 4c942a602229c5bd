"""Lists folders, of which one that cannot be read is not an empty one; and the folder of prepared data."""

from __future__ import annotations

import os
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from zsl_runner.errors import RunError


def expanded(path: str) -> Path:
    """Return a path as a user writes it with the home that ``~`` or ``~user`` at its start stands for.

    That of a user who is not known here stays as it is, as in a shell: no such file will be there.

    >>> expanded("~no-such-user/features").name, str(expanded("data"))
    ('features', 'data')
    """
    return Path(os.path.expanduser(path))


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


def default_cache_folder() -> Path | None:
    """Return ``$ZSL_CACHE``, else ``zsl-run`` in the user's cache folder; None if the home it lies in is not known."""
    if chosen := os.environ.get("ZSL_CACHE"):
        return _in_a_known_home(chosen)
    if base := os.environ.get("XDG_CACHE_HOME"):
        return Path(base) / "zsl-run"
    return _in_a_known_home("~/.cache/zsl-run")


def chosen_cache_folder(choice: str | None) -> Path | None:
    """Return the folder that an option ``cache`` names: None for none, the usual one for ``auto``."""
    if choice is None:
        return None
    return default_cache_folder() if choice == "auto" else _in_a_known_home(choice)


def unknown_home(choice: str | None) -> str | None:
    """Return what is wrong with an option ``cache`` that names the home of a user who is not known here, else None.

    That the user has no home at all is no problem: then no copy is kept.
    """
    named = os.environ.get("ZSL_CACHE") if choice == "auto" else choice
    if not named or _in_a_known_home(named) is not None:
        return None
    subject = "ZSL_CACHE is" if choice == "auto" else "found"
    return f"{subject} {named}, but no home of that user is known here; write the path in full, or ./{named}"


def among_data(cache: Path | None, data: Path) -> str | None:
    """Return what is wrong with a folder of prepared data that lies inside the folder of the data, else None."""
    if cache is None:
        return None
    # Not Path.resolve, which raises at a link that leads to itself: whoever opens the folder says so.
    if not Path(os.path.realpath(cache)).is_relative_to(os.path.realpath(data)):
        return None
    return f"{cache} lies inside the data folder, which is never written to; choose another folder"


def _in_a_known_home(path: str) -> Path | None:
    folder = expanded(path)
    return None if path.startswith("~") and not folder.is_absolute() else folder
