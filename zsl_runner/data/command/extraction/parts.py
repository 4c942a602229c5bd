"""Keeps what was computed so far, so that a command that was ended goes on where it was. Never imports torch."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_runner.files.arrays import kept_arrays, write_arrays
from zsl_runner.files.locks import exclusive
from zsl_runner.files.writing import remove_leftovers, writable


class Parts:
    """Rows of numbers in files that are named by a checksum of all they were computed from.

    A file is there whole or not at all, and one computed from anything else has another name: whatever is found under
    a name is right, and what belongs to an earlier try is not used.

    Args:
        folder: where they are kept; removed by `finish`.
        common: what every part was computed with, as JSON takes it.
    """

    def __init__(self, folder: Path, common: Mapping[str, Any]) -> None:
        self.folder = folder
        self._common = hashlib.sha256(json.dumps(common, sort_keys=True).encode()).hexdigest()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Make the folder and keep other processes out inside the block; with nothing in it, it does not stay.

        Raises:
            RunError: another process is at work there, or it cannot be written.
        """
        with writable(self.folder):
            self.folder.mkdir(exist_ok=True)
        with exclusive(self.folder):
            remove_leftovers(self.folder, older_than=0)
            try:
                yield
            finally:
                if not any(self.folder.glob("*.npz")):
                    self.finish()

    def path(self, sources: Sequence[Any]) -> Path:
        """Return the file of the part that is computed from these sources, as JSON takes them."""
        digest = hashlib.sha256(f"{self._common}{json.dumps(sources)}".encode())
        return self.folder / f"{digest.hexdigest()[:32]}.npz"

    def take(self, path: Path) -> NDArray[np.float32] | None:
        """Return the rows of a part; None if it is not there, or damaged: then it is computed again."""
        found = kept_arrays(path)
        return None if found is None else found["rows"]

    def keep(self, path: Path, rows: NDArray[np.float32]) -> None:
        """Write a part.

        Raises:
            RunError: it cannot be written.
        """
        write_arrays(path, {"rows": rows})

    def finish(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)
