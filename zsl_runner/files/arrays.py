"""Arrays in `.npz` files that are there whole or not at all; what was damaged on the disk counts as not there."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_runner.files.writing import rewritten


def write_arrays(path: Path, arrays: Mapping[str, Any]) -> None:
    """Replace ``path`` by arrays in one step, by the same bytes for the same arrays.

    Raises:
        RunError: the file cannot be written; the old one is unharmed.
    """
    with rewritten(path) as stream:
        np.savez(stream, **arrays)


def kept_arrays(path: Path) -> dict[str, NDArray[Any]] | None:
    """Return the arrays that `write_arrays` has left in a file; None if it is not there, or not as it was written."""
    if not path.is_file():  # opening a pipe would never end
        return None
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}  # zip compares the checksum of each
    except Exception:  # the parsers raise whatever damaged bytes lead them to
        return None
