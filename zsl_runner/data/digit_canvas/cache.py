"""Keeps finished canvases in one file for each set of options.

The file's name is a hash of everything that determines the canvases. It is written under another name and renamed when
complete, so that runs that start at once may all write it: the last one wins, with the same content.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zsl_runner.atomic import remove_leftovers, write_bytes
from zsl_runner.errors import RunError

Canvases = tuple[NDArray[np.uint8], NDArray[np.uint8]]

_log = logging.getLogger(__name__)


def cache_path(folder: Path, identity: Mapping[str, Any]) -> Path:
    """Return the file for canvases that ``identity`` determines."""
    digest = hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()
    return folder / f"digit_canvas-{digest[:16]}.npz"


def cached(path: Path | None, build: Callable[[], Canvases]) -> Canvases:
    """Return the images and labels in ``path``, or build them and leave them there.

    A file that is damaged is replaced. One that cannot be written (full or read-only disk) costs a warning.

    Args:
        path: the cache file; None builds always.
        build: returns (N, 3, side, side) images and (N, side, side) labels.
    """
    found = None if path is None else read(path)
    if found is not None:
        return found
    images, labels = build()
    if path is not None:
        buffer = io.BytesIO()
        np.savez(buffer, images=images, labels=labels)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            remove_leftovers(path.parent)
            write_bytes(path, buffer.getvalue())
        except (OSError, RunError) as error:
            _log.warning(
                "%s: the canvases cannot be kept (%s); the run goes on without. "
                "Set ZSL_CACHE or dataset.cache to a writable folder, or dataset.cache=null.",
                path,
                error,
            )
    return images, labels


def read(path: Path) -> Canvases | None:
    """Return the content of a cache file, whose checksums zip verifies; None if there is none that may be used."""
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as file:
            return file["images"], file["labels"]
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile, zlib.error):  # absent or damaged: rebuilt
        return None
