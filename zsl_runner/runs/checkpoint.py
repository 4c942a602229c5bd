"""Checkpoints: written atomically, kept by policy, proved whole before use, loaded without executing what they contain.

A file is what torch saves, a zip archive, and behind it the SHA-256 of every byte before. Readers of archives look for
their end from behind and pass over those 100 bytes, so `torch.load` opens such a file, too. Files of format 1 have no
checksum; they are proved by the CRC-32 of the archive's members.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import logging
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import torch

from zsl_runner.errors import CheckpointError, RunError
from zsl_runner.files.folders import entries
from zsl_runner.files.writing import replacing
from zsl_runner.runs.loadable import not_loadable

FORMAT = 2
PATTERN = "step-*.pt"
_FOLDER = 0x10
"""Attribute of a folder in an archive, as MS-DOS has it."""
_SEAL = b"\nzsl-run checkpoint of format 2, sha256 %s\n"
_SEAL_SIZE = len(_SEAL % (b"0" * 64))
_BLOCK = 2**20
_CONTENT = {
    1: {"config_hash": str, "torch": str, "state": dict},
    2: {"config": dict, "record": dict, "written": dict, "torch": str, "state": dict},
}
"""What a checkpoint must hold, by its format."""
_READ = ("state", "config", "record", "written", "config_hash")

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Saved:
    """A checkpoint that has been read.

    Attributes:
        path: its file.
        state: the state of the run.
        config: the whole configuration the state belongs to; None in files of format 1, which have its hash only.
        record: the run's record when the state was saved; empty in files of format 1.
        written: how much the run had written by then, see `Tracker.flush`; empty in files of format 1.
        config_hash: hash of the configuration in files of format 1.
    """

    path: Path
    state: dict[str, Any]
    config: dict[str, Any] | None = None
    record: dict[str, Any] = field(default_factory=dict)
    written: dict[str, Any] = field(default_factory=dict)
    config_hash: str | None = None


class Checkpoints:
    """The checkpoints of one run.

    A file appears under its final name only when it is complete and on the disk, so a process killed at any moment
    leaves the earlier checkpoints usable.

    Args:
        directory: the ``checkpoints`` folder of the run.
        keep: how many files stay: the one just written and the newest before it.
        required: what a state must hold: names and types.
    """

    def __init__(self, directory: Path, keep: int = 1, required: Mapping[str, Any] | None = None) -> None:
        self.directory = directory
        self.keep = keep
        self.required = dict(required or {})

    def save(
        self,
        step: int,
        state: dict[str, Any],
        config: Mapping[str, Any] | None = None,
        record: Mapping[str, Any] | None = None,
        written: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write the state of global step ``step``.

        Args:
            step: steps of the run so far.
            state: tensors, numbers, strings, lists and dictionaries.
            config: the whole configuration of the run, plain values.
            record: the run's record, plain values.
            written: how much the run has written beside its checkpoints, plain values.

        Raises:
            CheckpointError: the file cannot be written (disk full, no permission), or could never be read; earlier
                checkpoints are untouched.
        """
        path = self.directory / f"step-{step:09d}.pt"
        if bad := ", ".join(not_loadable(state)):
            raise CheckpointError(
                f"{path} is not written, for it could never be read: {bad}; a state_dict() may return tensors, numbers "
                "of Python, text, None, and lists, tuples and dictionaries of these"
            )
        content = {
            "format": FORMAT,
            "config": dict(config or {}),
            "record": dict(record or {}),
            "written": dict(written or {}),
            "torch": str(torch.__version__),
            "state": state,
        }
        try:
            self.directory.mkdir(exist_ok=True)
            with replacing(path) as temporary, temporary.open("xb") as file:
                sealed = _Sealed(file)
                torch.save(content, sealed)  # type: ignore[arg-type]  # it calls write and flush only
                sealed.finish()
        except OSError as error:
            kept = ", ".join(file.name for file in self.files()) or "no checkpoint"
            remedy = "free disk space" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "mend that"
            raise CheckpointError(
                f"{path}: the checkpoint cannot be written: {error.strerror or error}; kept: {kept}; "
                f"{remedy} and resume"
            ) from error
        # A file of a later step was passed over as damaged when the run was resumed, and counts for none that is whole.
        for old in [file for file in self.files() if file <= path][: -self.keep]:
            with contextlib.suppress(OSError):
                old.unlink()
        return path

    def files(self) -> list[Path]:
        """Return the complete checkpoint files, oldest first.

        Raises:
            CheckpointError: the folder is there and cannot be read.
        """
        try:
            return entries(self.directory, PATTERN)
        except RunError as error:
            raise CheckpointError(str(error)) from error

    def newest(self, device: torch.device | str = "cpu") -> Saved | None:
        """Return the newest checkpoint that is whole; None if there is no checkpoint.

        A damaged file is passed over with a warning as long as an older one can be read.

        Raises:
            CheckpointError: there are files and none can be used, or one may not be read.
        """
        files = self.files()
        reason = ""
        for path in reversed(files):
            try:
                content = read(path, self.required, device)
            except PermissionError as error:
                raise CheckpointError(f"{path}: cannot be read: {error.strerror}; nothing was changed") from error
            except Exception as error:
                reason = f"{path}: {type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'empty file'}"
                log.warning("skipping a damaged checkpoint, %s", reason)
                continue
            if content["torch"] != torch.__version__:
                log.warning(
                    "%s was written by torch %s, this is %s: the continued run need not be bit-identical",
                    path,
                    content["torch"],
                    torch.__version__,
                )
            return Saved(path, **{name: content[name] for name in _READ if name in content})
        if files:
            raise CheckpointError(
                f"no checkpoint in {self.directory} can be read; the last failure: {reason}; once they are removed, "
                "resume= starts a run that is not complete over in its place"
            )
        return None


def read(path: Path, required: Mapping[str, Any], device: torch.device | str = "cpu") -> dict[str, Any]:
    """Return the content of a checkpoint that is proved whole.

    Args:
        path: the file.
        required: what its state must hold: names and types.
        device: where its tensors are put.

    Raises:
        OSError: the file cannot be read.
        Exception: of any kind; the file is damaged, or no checkpoint.
    """
    if path.exists() and not path.is_file():
        raise OSError("expected a file")  # opening a pipe would never end
    with path.open("rb") as file:
        is_sealed = _is_whole(file)
        if not is_sealed:
            _prove_archive(file, path.stat().st_size)
        file.seek(0)
        content = torch.load(file, map_location=device, weights_only=True)
    known = FORMAT if is_sealed else 1
    if not isinstance(content, dict) or content.get("format") != known:
        raise ValueError(f"not a checkpoint of format {known}")
    _require(content, _CONTENT[known])
    _require(content["state"], required)
    return content


def _require(found: Mapping[str, Any], fields: Mapping[str, Any]) -> None:
    for name, kind in fields.items():
        if not isinstance(found.get(name), kind):
            raise ValueError(f"{name}: expected {kind.__name__}, found {type(found.get(name)).__name__}")


class _Sealed:
    """A stream for `torch.save` that makes the checksum of what passes, and the seal of it.

    An error of the disk is kept and raised by `finish`: torch would turn it into one of its own.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._checksum = hashlib.sha256()
        self._error: OSError | None = None

    def write(self, data: bytes) -> int:
        if self._error is None:
            try:
                self._file.write(data)
                self._checksum.update(data)
            except OSError as error:
                self._error = error
        return len(data)

    def flush(self) -> None:
        """Do nothing: `finish` does it."""

    def finish(self) -> None:
        self.write(_SEAL % self._checksum.hexdigest().encode())
        if self._error is not None:
            raise self._error
        self._file.flush()


def _is_whole(file: BinaryIO) -> bool:
    """Tell whether a file ends with the seal of its content; a file without any seal is none of format 2.

    Raises:
        ValueError: the seal is that of another content.
    """
    left = max(0, file.seek(0, 2) - _SEAL_SIZE)
    file.seek(left)
    found = re.fullmatch(re.escape(_SEAL).replace(b"%s", b"([0-9a-f]{64})"), file.read())
    if found is None:
        return False
    file.seek(0)
    checksum = hashlib.sha256()
    while left:
        block = file.read(min(left, _BLOCK))
        checksum.update(block)
        left -= len(block)
    if checksum.hexdigest().encode() != found[1]:
        raise ValueError("its content does not have its checksum")
    return True


def _prove_archive(file: BinaryIO, size: int) -> None:
    """Check sizes and CRC-32 of all members of a file of format 1, before memory is allocated for any.

    Raises:
        ValueError: a member is damaged.
    """
    with zipfile.ZipFile(file) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED or not member.file_size == member.compress_size <= size:
                raise ValueError(f"its member {member.filename} has an impossible size")
            if member.external_attr & _FOLDER:  # torch would leave its content out
                raise ValueError(f"its member {member.filename} is marked as a folder")
        damaged = archive.testzip()
    if damaged is not None:
        raise ValueError(f"its member {damaged} does not have its checksum")
