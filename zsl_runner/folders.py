"""Lists folders of runs: one that cannot be read is not an empty one. Never imports torch."""

from __future__ import annotations

import os
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
