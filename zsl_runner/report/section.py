"""Keeps a generated section inside a hand-written file."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

from zsl_runner.config.places import obstacle
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.files.writing import replacing, writable


def replace_section(path: Path, name: str, content: str) -> None:
    """Put ``content`` between the markers of section ``name`` and leave the rest of the file as it is.

    The markers are ``<!-- zsl-report:NAME -->`` and ``<!-- /zsl-report:NAME -->``, each once. The file is replaced in
    one step and keeps its permissions.

    Args:
        path: the file, or a link to it.
        name: the section.
        content: its new text.

    Raises:
        ConfigError: the file or a marker is missing, or a marker occurs twice; or the file or its folder may not be
            written.
        RunError: the file cannot be read or written.
    """
    begin, end = f"<!-- zsl-report:{name} -->", f"<!-- /zsl-report:{name} -->"
    if not path.exists():
        raise ConfigError(f"--into {path}: no such file; make it, with the lines {begin} and {end}")
    file = _replaceable(path)
    try:
        text = file.read_bytes().decode("utf-8")
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{path}: expected text in UTF-8, found other bytes ({error})") from error
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
        raise ConfigError(
            f"{path}: section {name}: expected the line {begin} once and {end} once after it, "
            f"found {text.count(begin)} and {text.count(end)}; add both where the table belongs"
        )
    head, tail = text.partition(begin)[0], text.partition(end)[2]
    # A name in a table must not begin or end a section.
    content = re.sub(r"<(?=!-- /?zsl-report:)", "&lt;", content.strip())
    written = f"{head}{begin}\n\n{content}\n\n{end}{tail}".encode("utf-8", "surrogateescape")
    with writable(path), replacing(file) as temporary:
        temporary.touch(mode=0o600)  # whoever may not read the file may not read the new one meanwhile either
        temporary.write_bytes(written)
        shutil.copymode(file, temporary)


def _replaceable(path: Path) -> Path:
    """Return the file that a path or a link means; it and its folder, in which it is replaced, can be written."""
    file = Path(os.path.realpath(path))
    if not file.is_file():  # reading a device or a pipe may never end
        raise ConfigError(f"--into {path}: expected a file, found {'a folder' if file.is_dir() else 'what is no file'}")
    if reason := obstacle(file.parent) or ("" if os.access(file, os.W_OK) else "the file is not writable"):
        raise ConfigError(f"--into {path}: {reason}")
    return file
