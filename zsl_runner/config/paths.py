"""Where the YAML files are, and how paths are shown to users."""

from __future__ import annotations

import os
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent.parent


def conf_directory() -> Path:
    """Return the folder of ``config.yaml``: the copy inside an installed package, else the repository's ``conf``.

    Raises:
        FileNotFoundError: there is neither.
    """
    for folder in (PACKAGE / "conf", PACKAGE.parent / "conf"):
        if (folder / "config.yaml").is_file():
            return folder
    raise FileNotFoundError(f"no configuration files in {PACKAGE / 'conf'} nor in {PACKAGE.parent / 'conf'}")


def expanded(path: str) -> Path:
    """Return a path as a user writes it with the home that ``~`` or ``~user`` at its start stands for.

    That of a user who is not known here stays as it is, as in a shell: no such file will be there.

    >>> expanded("~no-such-user/features").name, str(expanded("data"))
    ('features', 'data')
    """
    return Path(os.path.expanduser(path))


def shown(path: Path) -> str:
    """Return ``path`` relative to the working directory if it lies below it, else in full."""
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except (ValueError, OSError, RuntimeError):  # it lies elsewhere, or its links lead nowhere
        return str(path)
