"""Writes whole files or nothing: a reader, or a kill in the middle, never meets half a file."""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

from zsl_runner.errors import RunError


def write_bytes(path: Path, content: bytes) -> None:
    """Replace ``path`` by ``content`` in one step.

    The content goes to a temporary file in the same folder, is flushed to the disk and then renamed.

    Raises:
        RunError: the file cannot be written, e.g. on a full disk; the old file is unharmed.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink()
        if isinstance(error, OSError):
            raise RunError(f"{path}: cannot be written: {error.strerror or error}") from error
        raise


def write_text(path: Path, content: str) -> None:
    """Replace ``path`` by UTF-8 text in one step; errors as in `write_bytes`.

    Bytes of file names that are no text to Python (an ASCII locale) are written as they are.
    """
    write_bytes(path, content.encode("utf-8", "surrogateescape"))
