"""Keeps finished canvases in one file for each set of options.

The file's name is a hash of everything that determines the canvases, and the file says what that was: one that was
copied or renamed is not taken for another. It is written under another name and renamed when complete, so that runs
that start at once may all write it: the last one wins, with the same content.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.sources.kept_copies import keeping
from zsl_runner.files.arrays import kept_arrays, write_arrays
from zsl_runner.files.writing import remove_leftovers

Canvases = tuple[NDArray[np.uint8], NDArray[np.uint8]]


@dataclass(frozen=True)
class CanvasFile:
    """Where canvases are kept.

    Attributes:
        path: the file.
        identity: everything that determines the canvases.
    """

    path: Path
    identity: str

    @classmethod
    def of(cls, folder: Path, identity: Mapping[str, Any]) -> CanvasFile:
        """Return the file for canvases that ``identity`` determines."""
        text = json.dumps(identity, sort_keys=True)
        return cls(folder / f"digit_canvas-{hashlib.sha256(text.encode()).hexdigest()[:16]}.npz", text)


def cached(file: CanvasFile | None, build: Callable[[], Canvases]) -> Canvases:
    """Return the images and labels in a file, or build them and leave them there.

    A file that is damaged or holds other canvases is replaced. One that cannot be written (full or read-only disk)
    costs a warning; see `keeping`.

    Args:
        file: the cache file; None builds always.
        build: returns (N, 3, side, side) images and (N, side, side) labels.

    Raises:
        DataError: the file is required and cannot be written.
    """
    found = None if file is None else read(file)
    if found is not None:
        return found
    images, labels = build()
    if file is not None:
        with keeping(file.path):
            file.path.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(file.path.parent)
            write_arrays(file.path, {"images": images, "labels": labels, "identity": np.array(file.identity)})
    return images, labels


def read(file: CanvasFile) -> Canvases | None:
    """Return the content of a cache file; None if it is not there, damaged, or of other canvases."""
    found = kept_arrays(file.path)
    if found is None or str(found.get("identity")) != file.identity:
        return None
    return found["images"], found["labels"]
