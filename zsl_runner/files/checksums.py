"""Checksums of data files, remembered so that a file that has not changed is read once. Never imports torch.

The memory lies in the folder of the caches, a file for each place. A checksum counts for a file of the same size, times
of change, inode and device only. As in git's index, one that was changed shortly before it was read is not
remembered: a second change in the same tick of the file system's clock would go unnoticed. Without a writable folder,
or with a damaged memory, files are read again.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import stat
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Final

from zsl_runner.errors import DataError, RunError
from zsl_runner.files.folders import default_cache_folder
from zsl_runner.files.writing import remove_leftovers, write_bytes

SMALL: Final = 2**20
"""Bytes that are read as quickly as a memory of them."""

TICK: Final = 2_000_000_000
"""Nanoseconds after a change in which a file may change again and keep its times: FAT counts in steps of 2 s."""

_State = tuple[int, ...]
_Memory = dict[str, tuple[_State, str]]
_in_process: dict[str, _Memory] = {}
_trusted = ContextVar("trusted", default=True)


@contextmanager
def reading_all() -> Iterator[None]:
    """Trust no memory inside the block: every file is read, for a disk may lose bits without a change of time."""
    token = _trusted.set(False)
    try:
        yield
    finally:
        _trusted.reset(token)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file's content in hexadecimal.

    Raises:
        DataError: the file cannot be read.
    """
    return _checksums({path.name: path}, path)[path.name]


def sha256_of_all(paths: Sequence[Path], root: Path) -> str:
    """Return one SHA-256 over the names below ``root`` and the contents of files, in the order of names.

    A name counts in Unicode's composed form, so that a copy on another file system has the same checksum.

    Args:
        paths: the files, in any order.
        root: the folder they lie in.

    Raises:
        DataError: a file cannot be read.
    """
    names = {path.relative_to(root).as_posix(): path for path in paths}
    found = _checksums(names, root)
    lines = sorted((unicodedata.normalize("NFC", name), checksum) for name, checksum in found.items())
    whole = "".join(f"{name}\0{checksum}\n" for name, checksum in lines)
    return hashlib.sha256(whole.encode(errors="surrogateescape")).hexdigest()


def _checksums(files: Mapping[str, Path], place: Path) -> dict[str, str]:
    """Return the checksum of each file by its name; ``place`` says which memory is theirs."""
    states = {name: _state_of(path) for name, path in files.items()}
    kept = sum(size for size, *_ in states.values()) >= SMALL
    before = _remembered(place) if kept and _trusted.get() else {}
    found: dict[str, str] = {}
    memory: _Memory = {}
    for name, path in files.items():
        state, checksum = before.get(name, ((), ""))
        if state != states[name]:
            state, checksum = _read(path)
        found[name] = checksum
        if state:
            memory[name] = state, checksum
    if kept and memory != before:
        _remember(place, memory)
    return found


def _state_of(path: Path) -> _State:
    try:
        status = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):  # opening a pipe would never end
        raise DataError(f"{path}: cannot be read: it is a device, pipe or socket; put the file itself there")
    return _state(status)


def _state(status: os.stat_result) -> _State:
    """Return what changes with every change of a file's content; the size first."""
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_dev


def _read(path: Path) -> tuple[_State, str]:
    """Return a file's checksum, and the state it belongs to; no state if the file may be changing."""
    now = time.time_ns()
    try:
        with path.open("rb") as stream:
            state = _state(os.fstat(stream.fileno()))
            checksum = hashlib.file_digest(stream, "sha256").hexdigest()
            settled = state == _state(os.fstat(stream.fileno())) and max(state[1:3]) < now - TICK
    except OSError as error:
        raise _unreadable(path, error) from error
    return (state if settled else ()), checksum


def _unreadable(path: Path, error: OSError) -> DataError:
    return DataError(f"{path}: cannot be read: {error.strerror or error}")


def _memory_file(place: str) -> Path | None:
    """Return where the checksums of a place are remembered; None if there is no folder for it."""
    folder = default_cache_folder()
    name = f"{hashlib.sha256(os.fsencode(place)).hexdigest()[:32]}.json"
    return None if folder is None else folder / "checksums" / name


def _remembered(place: Path) -> _Memory:
    """Return what is remembered of a place; of a damaged memory what can be understood."""
    key = os.path.abspath(place)
    if key in _in_process:
        return _in_process[key]
    file = _memory_file(key)
    memory: _Memory = {}
    if file is None or not file.is_file():  # opening a pipe would never end
        return memory
    with contextlib.suppress(OSError, ValueError, AttributeError, RecursionError):
        for name, entry in json.loads(file.read_bytes()).items():
            with contextlib.suppress(TypeError, ValueError):
                *state, checksum = entry
                if all(type(number) is int for number in state) and re.fullmatch("[0-9a-f]{64}", checksum):
                    memory[name] = tuple(state), checksum
    return memory


def _remember(place: Path, memory: _Memory) -> None:
    key = os.path.abspath(place)
    _in_process[key] = memory
    file = _memory_file(key)
    if file is None:
        return
    content = json.dumps({name: [*state, checksum] for name, (state, checksum) in memory.items()})
    with contextlib.suppress(OSError, RunError):
        file.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(file.parent)
        write_bytes(file, content.encode())
