"""Where data sets keep what they have prepared. Never imports torch."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path


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
