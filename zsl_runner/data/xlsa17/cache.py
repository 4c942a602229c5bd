"""A fast copy of a features file: one HDF5 file whose features are mapped into memory, not read into it.

Runs that work at the same time on one machine therefore share them. The copy is used only if it is whole (its checksum
is verified) and its source has not changed since (path, size and time of change). It is written under another name and
renamed when complete, so that readers and other writers never meet half a file. Splits and class vectors are small and
always read from their own files.
"""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import secrets
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.cache_folder import KeptCopy
from zsl_runner.data.checksums import sha256_of
from zsl_runner.data.records import SourceFile
from zsl_runner.data.xlsa17.conf import XLSA17Conf
from zsl_runner.data.xlsa17.layout import FeatureTable, read_features

FORMAT: Final = 1
LEFTOVER_SECONDS: Final = 3600.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LoadedFeatures:
    """Features, the file they came from, and whether a cache supplied them."""

    table: FeatureTable
    source: SourceFile
    from_cache: bool


@dataclass(frozen=True)
class _Identity:
    """What must be unchanged for a cache to be valid."""

    path: str
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, source: Path) -> _Identity:
        stat = source.stat()
        return cls(str(source.resolve()), stat.st_size, stat.st_mtime_ns)


def cache_path(source: Path, folder: Path) -> Path:
    """Return the cache file of a features file, one for each absolute path."""
    resolved = source.resolve()
    digest = hashlib.sha256(str(resolved).encode()).hexdigest()[:16]
    return folder / f"{resolved.parent.name}-{resolved.stem}-{digest}.h5"


def load_features(source: Path, folder: Path | None) -> LoadedFeatures:
    """Read a features file, through the cache in ``folder`` if there is one.

    A cache that cannot be written (full or read-only disk) costs a warning, never the run.

    Raises:
        DataError: the features file is missing, damaged or wrong.
    """
    if folder is None or not source.is_file():
        return LoadedFeatures(read_features(source), SourceFile(str(source), sha256_of(source)), from_cache=False)
    target, identity = cache_path(source, folder), _Identity.of(source)
    cached = _read(target, identity)
    if cached is not None:
        table, sha256 = cached
        return LoadedFeatures(table, SourceFile(str(source), sha256), from_cache=True)
    table, sha256 = read_features(source), sha256_of(source)
    try:
        _write(target, table, identity, sha256)
    except (OSError, RuntimeError) as error:  # h5py reports a full disk as either
        _log.warning(
            "%s: the cache cannot be written (%s); the run goes on without it. "
            "Set ZSL_CACHE or dataset.cache to a writable folder, or dataset.cache=null.",
            target,
            error,
        )
    return LoadedFeatures(table, SourceFile(str(source), sha256), from_cache=False)


def kept_copy(conf: XLSA17Conf) -> KeptCopy:
    """Return where the copy of a data set's features lies, and whether the next load will use it."""
    folder, source = conf.cache_folder(), conf.file(conf.features_file)
    if folder is None:
        return KeptCopy(None, usable=False)
    target = cache_path(source, folder)
    return KeptCopy(target, usable=_read(target, _Identity.of(source)) is not None)


def _checksum(table: FeatureTable) -> int:
    return zlib.crc32(table.labels.data, zlib.crc32(table.features.data))


def _read(target: Path, identity: _Identity) -> tuple[FeatureTable, str] | None:
    """Return the cached features and the source's checksum; None if there is no cache that may be used."""
    try:
        with h5py.File(target, "r", locking=False) as file:
            attributes = dict(file.attrs)
            if attributes.get("format") != FORMAT or attributes.get("application") != "zsl-run":
                return None
            if identity != _Identity(
                attributes["source_path"], int(attributes["source_size"]), int(attributes["source_mtime_ns"])
            ):
                return None
            table = FeatureTable(_mapped(file["features"], target), file["labels"][()])
            whole = _checksum(table) == int(attributes["crc32"])
            return (table, str(attributes["source_sha256"])) if whole else None
    except (OSError, KeyError, TypeError, ValueError, RuntimeError):  # absent, foreign or damaged: rebuilt
        return None


def _mapped(dataset: h5py.Dataset, target: Path) -> NDArray[Any]:
    """Return a contiguous dataset as pages of its file, which all processes share.

    Whoever writes into the array gets a page of its own; the file never changes.
    """
    offset = dataset.id.get_offset()
    if offset is None or offset % dataset.dtype.itemsize:
        return np.asarray(dataset[()])
    return np.asarray(np.memmap(target, dataset.dtype, mode="c", offset=offset, shape=dataset.shape))


def _write(target: Path, table: FeatureTable, identity: _Identity, sha256: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    _remove_leftovers(target)
    temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.tmp")
    try:
        with h5py.File(temporary, "x", locking=False) as file:
            file.create_dataset("features", data=table.features)
            file.create_dataset("labels", data=table.labels)
            file.attrs.update(
                application="zsl-run",
                format=FORMAT,
                source_path=identity.path,
                source_size=identity.size,
                source_mtime_ns=identity.mtime_ns,
                source_sha256=sha256,
                crc32=_checksum(table),
                created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            )
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, target)
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def _remove_leftovers(target: Path) -> None:
    """Remove what writers of this cache left behind when they were killed long ago."""
    for leftover in target.parent.glob(f".{target.name}.*.tmp"):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime > LEFTOVER_SECONDS:
                leftover.unlink()
