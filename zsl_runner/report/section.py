"""Keeps a generated section inside a hand-written file."""

from __future__ import annotations

import re
from pathlib import Path

from zsl_runner.errors import ConfigError, RunError
from zsl_runner.files.writing import write_text


def replace_section(path: Path, name: str, content: str) -> None:
    """Put ``content`` between the markers of section ``name`` and leave the rest of the file as it is.

    The markers are ``<!-- zsl-report:NAME -->`` and ``<!-- /zsl-report:NAME -->``, each once. The file is replaced in
    one step.

    Args:
        path: the file.
        name: the section.
        content: its new text.

    Raises:
        ConfigError: the file or a marker is missing, or a marker occurs twice.
        RunError: the file cannot be read or written.
    """
    begin, end = f"<!-- zsl-report:{name} -->", f"<!-- /zsl-report:{name} -->"
    try:
        text = path.read_bytes().decode("utf-8")
    except FileNotFoundError as error:
        raise ConfigError(f"--into {path}: no such file; make it, with the lines {begin} and {end}") from error
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
    write_text(path, f"{head}{begin}\n\n{content}\n\n{end}{tail}")
