"""``metrics.csv``: every scalar of a run in long format, one row per value, with full precision."""

from __future__ import annotations

import csv
import io
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from zsl_runner.errors import RunError
from zsl_runner.files.writing import writable, write_bytes

STAGE_PREFIXES = {"tune": "tune", "final": "train", "fit": "train"}
METRIC_PREFIXES = ("val/", "test/", "oracle/", "time/")
EVENTS = "events.out.tfevents.*"
"""TensorBoard's files, which hold the same and lie beside the table."""


def tag_of(name: str, stage: str, phase: str) -> str:
    """Return the tag of a value.

    A metric (``val/H``, ``test/T1``, ``oracle/...``, ``time/...``) is its own tag. Anything else is a term of the
    loss and gets ``train/<phase>/`` in the final and the fit stage, ``tune/<phase>/`` in the tune stage.

    >>> tag_of("kl", "final", "pretrain"), tag_of("kl", "tune", "pretrain"), tag_of("val/H", "tune", "pretrain")
    ('train/pretrain/kl', 'tune/pretrain/kl', 'val/H')
    """
    return name if name.startswith(METRIC_PREFIXES) else f"{STAGE_PREFIXES.get(stage, stage)}/{phase}/{name}"


FILE_NAME = "metrics.csv"
COLUMNS = ("step", "stage", "phase", "tag", "value")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Row:
    """One value: at ``step`` (counted over all stages) in ``phase`` of ``stage``."""

    step: int
    stage: str
    phase: str
    tag: str
    value: float


def read(path: Path) -> Iterator[Row]:
    """Yield the complete rows of a ``metrics.csv``; a torn last line, left by a kill, is skipped.

    Raises:
        RunError: the file cannot be read, or a line before the last one is damaged.
    """
    try:
        if path.exists() and not path.is_file():  # reading a pipe would never end
            raise RunError(f"{path}: expected a file")
        whole, _, _torn = path.read_bytes().rpartition(b"\n")
        lines = csv.reader(io.StringIO(whole.decode("utf-8"), newline=""))
    except OSError as error:
        raise RunError(f"{path}: cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise RunError(f"{path}: expected text in UTF-8, found other bytes ({error})") from error
    cells: list[str] = []
    try:
        for cells in lines:
            if lines.line_num == 1 and tuple(cells) == COLUMNS:
                continue
            step, stage, phase, tag, value = cells
            yield Row(int(step), stage, phase, tag, float(value))
    except csv.Error as error:
        raise RunError(f"{path}: line {lines.line_num}: {error}") from error
    except ValueError:
        expected, found = ",".join(COLUMNS), ",".join(cells)
        raise RunError(f"{path}: line {lines.line_num}: expected {expected}, found {found!r:.200}") from None


class Table:
    """Appends scalars to ``metrics.csv``; every row is handed to the operating system when it is written.

    Args:
        directory: the run's directory.
        resume_step: None starts a new file; otherwise rows after this step, which the resumed run will produce
            again, are removed (-1 removes all).
        rows: how many rows there were in the state a run is resumed from, if that is known; it then decides alone.

    Attributes:
        rows: how many rows there are.

    Raises:
        RunError: the file cannot be written, is damaged, or exists although the run is new.
    """

    def __init__(self, directory: Path, resume_step: int | None = None, rows: int | None = None) -> None:
        self.path = directory / FILE_NAME
        if resume_step is None and self.path.exists():
            raise RunError(f"{self.path}: exists already; a new run needs a directory of its own")
        kept: list[Row] = []
        if resume_step is not None and self.path.exists():
            known = list(read(self.path))
            kept = known[:rows] if rows is not None else [row for row in known if row.step <= resume_step]
        if rows is not None and len(kept) < rows:
            log.warning("%s: only %d of the %d rows that the run had written are left", self.path, len(kept), rows)
        self.rows = len(kept)
        content = self._encoded(kept, header=True)
        self._size = len(content)
        write_bytes(self.path, content)
        with writable(self.path):
            self._stream = self.path.open("ab", buffering=0)

    def scalars(self, step: int, values: Mapping[str, float], stage: str, phase: str) -> None:
        """Append one row per value with a single write, so that at most the last line can be torn.

        Raises:
            RunError: the disk is full or gone.
        """
        rows = [Row(step, stage, phase, tag_of(name, stage, phase), float(value)) for name, value in values.items()]
        content = self._encoded(rows)
        try:
            while content:
                written = self._stream.write(content)
                self._size += written
                content = content[written:]
            self.rows += len(rows)
        except OSError as error:
            raise RunError(f"{self.path}: cannot be written: {error.strerror or error}; the run stops here") from error

    def is_whole(self) -> bool:
        """Tell whether all that was written is still there: others may have removed, replaced or cut the file."""
        try:
            written, there = os.fstat(self._stream.fileno()), self.path.stat()
        except OSError:
            return False
        return os.path.samestat(written, there) and there.st_size >= self._size

    def close(self) -> None:
        """Close the file; may be called again."""
        self._stream.close()

    @staticmethod
    def _encoded(rows: list[Row], header: bool = False) -> bytes:
        buffer = io.StringIO()
        writer = csv.writer(buffer, lineterminator="\n")
        if header:
            writer.writerow(COLUMNS)
        writer.writerows((row.step, row.stage, row.phase, row.tag, repr(row.value)) for row in rows)
        return buffer.getvalue().encode()
