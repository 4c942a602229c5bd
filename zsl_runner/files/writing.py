"""Writes whole files or nothing: a reader, or a kill in the middle, never meets half a file."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final

from zsl_runner.errors import RunError

LEFTOVER_SECONDS: Final = 3600.0
"""Age from which a temporary file belongs to no writer that is still at work."""

_TEMPORARY = re.compile(r"\..+\.\w+\.tmp")


def temporary_of(path: Path) -> Path:
    """Return a new name in the same folder under which a file or folder is written before it gets its own."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")


def longest_name(folder: Path) -> int:
    """Return how many bytes the name of what is written in a folder may have; its temporary name is longer.

    Raises:
        OSError: there is no such folder.
    """
    return os.pathconf(folder, "PC_NAME_MAX") - (len(temporary_of(Path("x")).name) - 1)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the same folder; what the block wrote there replaces ``path`` in one step.

    The content is flushed to the disk before it is renamed. If anything goes wrong the old file is unharmed and the
    temporary one removed.

    Raises:
        OSError: the file cannot be written, e.g. on a full disk.
    """
    temporary = temporary_of(path)
    try:
        yield temporary
        with temporary.open("rb+") as stream:
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


@contextmanager
def new_folder(path: Path) -> Iterator[Path]:
    """Yield a folder under a temporary name beside ``path``; with all the block wrote into it, it becomes ``path``.

    If anything goes wrong there is no such folder, and the temporary one is removed. The block makes sure that nothing
    has appeared at ``path`` meanwhile.

    Raises:
        RunError: it cannot be written, e.g. on a full disk; errors of the block name ``path``.
    """
    remove_leftovers(path.parent, of=path.name)
    work = temporary_of(path)
    try:
        work.mkdir(parents=True)
        yield work
        os.rename(work, path)  # fails where a folder with something in it has appeared
    except RunError as error:  # nobody has heard of the folder in which it is made
        raise type(error)(str(error).replace(str(work), str(path))) from error
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


@contextmanager
def writable(path: Path) -> Iterator[None]:
    """Say of every failure inside the block that the file or folder cannot be written.

    Raises:
        RunError: it cannot, e.g. on a full or read-only disk.
    """
    try:
        yield
    except OSError as error:
        raise RunError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextmanager
def rewritten(path: Path) -> Iterator[BinaryIO]:
    """Yield an empty stream; what the block writes into it replaces ``path`` in one step.

    Raises:
        RunError: the file cannot be written, e.g. on a full disk; the old file is unharmed.
    """
    with writable(path), replacing(path) as temporary, temporary.open("xb") as stream:
        yield stream


def write_bytes(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` in one step; errors as in `rewritten`."""
    with rewritten(path) as stream:
        stream.write(content)


def write_text(path: Path, content: str) -> None:
    """Replace ``path`` by UTF-8 text in one step; errors as in `rewritten`.

    Bytes of file names that are no text to Python (an ASCII locale) are written as they are.
    """
    write_parts(path, [content])


def write_parts(path: Path, parts: Iterable[str]) -> None:
    """Replace ``path`` by the parts of a text, which need not be in memory together; see `write_text`."""
    with rewritten(path) as stream:
        for part in parts:
            stream.write(part.encode("utf-8", "surrogateescape"))


def remove_leftovers(folder: Path, older_than: float = LEFTOVER_SECONDS, *, of: str | None = None) -> None:
    """Remove the temporary files that killed processes left in a folder; what cannot be removed stays.

    Args:
        folder: where to look, not below it; need not be there.
        older_than: seconds since the last change; 0 where no other process can be writing.
        of: only those of the file or folder of this name; in a folder of the user's, where others may have such files.
    """
    temporary = _TEMPORARY if of is None else re.compile(rf"\.{re.escape(of)}\.\w+\.tmp")
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if temporary.fullmatch(entry.name):
                with contextlib.suppress(OSError):
                    if time.time() - entry.stat(follow_symlinks=False).st_mtime < older_than:
                        continue
                    if of is not None and entry.is_dir(follow_symlinks=False):
                        shutil.rmtree(entry.path)
                    else:
                        os.unlink(entry.path)
