"""What `zsl-data import` states of a folder it has written: the features in words, and where all came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

from zsl_runner.data.records import SourceFile
from zsl_runner.errors import DataError
from zsl_runner.files.names import read_text

FILE: Final = "import.json"


@dataclass(frozen=True)
class Statement:
    """Content of ``import.json``.

    Attributes:
        feature_kind: the features in words, or None if nobody said.
        split: the split in words.
        sources: the files that were imported.
        options: the options of the command.
        files: SHA-256 of the files written, by their names; the statement is about these alone.
    """

    feature_kind: str | None
    split: str
    sources: tuple[SourceFile, ...]
    options: Mapping[str, Any]
    files: Mapping[str, str]

    def text(self) -> str:
        """Return it as JSON."""
        return json.dumps(asdict(self), indent=2, ensure_ascii=False) + "\n"


def kind_stated(folder: Path, file: SourceFile) -> str | None:
    """Return what the folder's statement says the features in ``file`` are; None if it says nothing of this file.

    Raises:
        DataError: the statement is damaged.
    """
    found = _of_file(folder, file)
    kind: str | None = found["feature_kind"] if found else None
    return kind


def split_stated(folder: Path, file: SourceFile) -> str | None:
    """Return what the folder's statement says of the split in ``file``, with its checksum; errors as `kind_stated`."""
    found = _of_file(folder, file)
    return f"{found['split']} (file sha256 {file.sha256[:12]})" if found else None


def _of_file(folder: Path, file: SourceFile) -> dict[str, Any] | None:
    path = folder / FILE
    if not path.is_file():
        return None
    damage = f"{path}: expected what zsl-data import has written, found damage; remove the file"
    try:
        content: dict[str, Any] = json.loads(read_text(path, "JSON"))
        words = (content["split"], content["feature_kind"] or "")
        known = content["files"].get(Path(file.path).name) == file.sha256
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise DataError(damage) from error
    if not all(isinstance(text, str) for text in words):
        raise DataError(damage)
    return content if known else None
