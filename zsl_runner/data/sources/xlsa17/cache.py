"""A fast copy of a features file: one HDF5 file whose features are mapped into memory, not read into it.

Runs that work at the same time on one machine therefore share them. The copy is opened only if it is whole, for damaged
bytes can keep the HDF5 library busy for ever: it begins with a seal, the checksum of all that follows. It is used only
if its source has still the content it was made of. It is written under another name and renamed when complete, so that
readers and other writers never meet half a file. Splits and class vectors are small and always read from their own
files.
"""

from __future__ import annotations

import hashlib
import io
import os
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.records import SourceFile
from zsl_runner.data.sources.kept_copies import keeping
from zsl_runner.data.sources.xlsa17.conf import XLSA17Conf
from zsl_runner.data.sources.xlsa17.layout import FeatureTable, read_features
from zsl_runner.files.checksums import sha256_of
from zsl_runner.files.folders import KeptCopy
from zsl_runner.files.names import beginning
from zsl_runner.files.writing import remove_leftovers, replacing

FORMAT: Final = 2
LONGEST: Final = 100
"""Bytes that the names of folder and file may have in that of the cache."""
SEAL: Final = 512
"""Bytes of the seal, which HDF5 leaves to whoever writes a file."""


@dataclass(frozen=True)
class LoadedFeatures:
    """Features, the file they came from, and whether a cache supplied them."""

    table: FeatureTable
    source: SourceFile
    from_cache: bool


def cache_path(source: Path, folder: Path) -> Path:
    """Return the cache file of a features file, one for each absolute path."""
    resolved = source.resolve()
    digest = hashlib.sha256(os.fsencode(resolved)).hexdigest()[:16]
    return folder / f"{beginning(f'{resolved.parent.name}-{resolved.stem}', LONGEST)}-{digest}.h5"


def load_features(source: Path, folder: Path | None) -> LoadedFeatures:
    """Read a features file, through the cache in ``folder`` if there is one.

    A cache that cannot be written (full or read-only disk) costs a warning, never the run; see `keeping`.

    Raises:
        DataError: the features file is missing, damaged or wrong; or the cache is required and cannot be written.
    """
    if folder is None or not source.is_file():
        return LoadedFeatures(read_features(source), SourceFile(str(source), sha256_of(source)), from_cache=False)
    target, sha256 = cache_path(source, folder), sha256_of(source)
    table = _read(target, source, sha256)
    if table is not None:
        return LoadedFeatures(table, SourceFile(str(source), sha256), from_cache=True)
    table = read_features(source)
    with keeping(target):
        _write(target, table, source, sha256)
    return LoadedFeatures(table, SourceFile(str(source), sha256), from_cache=False)


def kept_copy(conf: XLSA17Conf) -> KeptCopy:
    """Return where the copy of a data set's features lies, and whether the next load will use it."""
    folder, source = conf.cache_folder(), conf.file(conf.features_file)
    if folder is None:
        return KeptCopy(None, usable=False)
    target = cache_path(source, folder)
    return KeptCopy(target, usable=_read(target, source, sha256_of(source)) is not None)


def _named(source: Path) -> str:
    """Return the absolute path as text of which an HDF5 file can keep every letter."""
    return os.fsencode(source.resolve()).decode("utf-8", "backslashreplace")


def _seal(content: NDArray[np.uint8]) -> bytes:
    """Return the first bytes of a file in which these follow."""
    return f"zsl-run features {FORMAT} crc32 {zlib.crc32(content.data):08x}\n".encode().ljust(SEAL, b"\0")


def _whole(target: Path) -> bool:
    """Tell whether a file has been left as it was written; what is no regular file never was, and is not opened."""
    if not target.is_file():  # opening a pipe would never end
        return False
    content = np.memmap(target, np.uint8, mode="r")
    return bytes(content[:SEAL]) == _seal(content[SEAL:])


def _read(target: Path, source: Path, sha256: str) -> FeatureTable | None:
    """Return the cached features; None if there is no cache that may be used."""
    try:
        if not _whole(target):
            return None
        with h5py.File(target, "r", locking=False) as file:
            if (file.attrs["source_path"], file.attrs["source_sha256"]) != (_named(source), sha256):
                return None
            return FeatureTable(_mapped(file["features"], target), file["labels"][()])
    except (OSError, KeyError, TypeError, ValueError, RuntimeError):  # absent, empty or unreadable: rebuilt
        return None


def _mapped(dataset: h5py.Dataset, target: Path) -> NDArray[Any]:
    """Return a contiguous dataset as pages of its file, which all processes share.

    Whoever writes into the array gets a page of its own; the file never changes.
    """
    offset = dataset.id.get_offset()
    if offset is None or offset % dataset.dtype.itemsize:
        return np.asarray(dataset[()])
    return np.asarray(np.memmap(target, dataset.dtype, mode="c", offset=offset, shape=dataset.shape))


class _Sink(io.FileIO):
    """A new file that takes what it is given, and raises what went wrong when it is left, not before.

    HDF5 writes the last of a file while closing it, and h5py prints a traceback where that fails.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(path, "x+")
        self._wrong: BaseException | None = None

    def write(self, content: Any) -> int:
        """Write all of the content, unless something went wrong before."""
        rest = memoryview(content).cast("B")
        size = len(rest)
        try:
            while rest and self._wrong is None:
                rest = rest[super().write(rest) :]
        except BaseException as error:  # of signals, too: there is no way through HDF5 for them
            self._wrong = error
        return size

    def close(self) -> None:
        """Close the file; whoever has given something that was not written is told now."""
        super().close()
        if self._wrong is not None:
            wrong, self._wrong = self._wrong, None
            raise wrong


def _write(target: Path, table: FeatureTable, source: Path, sha256: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    remove_leftovers(target.parent)
    with replacing(target) as temporary:
        with _Sink(temporary) as sink, h5py.File(sink, "w", userblock_size=SEAL) as file:
            file.create_dataset("features", data=table.features)
            file.create_dataset("labels", data=table.labels)
            file.attrs.update(
                source_path=_named(source),
                source_sha256=sha256,
                created=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            )
        seal = _seal(np.memmap(temporary, np.uint8, mode="r", offset=SEAL))
        with temporary.open("r+b") as stream:
            stream.write(seal)
