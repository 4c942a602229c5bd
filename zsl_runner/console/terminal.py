"""Standard streams that never raise into the work: what cannot be printed is lost, and noted."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO, cast

SIGNS = {"±": "+-", "─": "-", "…": "..."}
"""Signs that the commands print, and what stands for each where the encoding of the output lacks it."""


def expressible(text: str) -> str:
    """Return a text with the substitutes of those `SIGNS` that standard output lacks; for tables, before layout."""
    return _substituted(text, getattr(sys.stdout, "encoding", None))


def filled(texts: Iterable[str]) -> list[str]:
    """Return texts with spaces at their ends, so that on a terminal all are equally wide: a column of a table.

    Chinese and Japanese characters take two places, accents that are added to a letter none.

    Args:
        texts: the cells of the column.
    """
    cells = list(texts)
    widths = [len(text) if text.isascii() else _places(text) for text in cells]
    width = max(widths, default=0)
    return [text + " " * (width - own) for text, own in zip(cells, widths, strict=True)]


def _places(text: str) -> int:
    from rich.cells import cell_len  # only where names need it

    return cell_len(text)


def _substituted(text: str, encoding: str | None) -> str:
    for sign, substitute in SIGNS.items():
        if encoding is not None and sign in text:
            try:
                sign.encode(encoding)
            except UnicodeEncodeError:
                text = text.replace(sign, substitute)
    return text


class Tolerant:
    """A text stream that swallows its own failures.

    What the encoding cannot express is written with other signs (`SIGNS`) or with backslashes. After a failure (the
    reader has gone, the disk is full, the stream is closed) the stream leads nowhere, so that neither a later word nor
    the end of the process fails.

    Args:
        stream: where the text goes; None for a stream that was closed before the process began.

    Attributes:
        lost: why the first text got lost; None if none did.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self.lost: Exception | None = None

    def write(self, text: str) -> int:
        """Write text, or lose it; return its length. What ends a line leaves at once, in one piece."""
        if self._stream is not None:
            try:
                self._stream.write(text)
                if text.endswith("\n"):  # a log of both streams has all in order
                    self._stream.flush()
            except UnicodeEncodeError as error:
                known = _substituted(text, error.encoding)
                self.write(known.encode(error.encoding, "backslashreplace").decode(error.encoding))
            except (OSError, ValueError) as error:  # ValueError: the stream is closed
                self._lose(error)
        return len(text)

    def flush(self) -> None:
        """Hand everything to the operating system, or lose it."""
        if self._stream is not None:
            try:
                self._stream.flush()
            except (OSError, ValueError) as error:
                self._lose(error)

    def isatty(self) -> bool:
        """Tell whether a person is looking."""
        with suppress(OSError, ValueError):
            return self._stream is not None and self._stream.isatty()
        return False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def _lose(self, error: Exception) -> None:
        self.lost = self.lost or error
        if isinstance(error, BlockingIOError) or self._stream is None:
            return  # the reader is slow, not gone
        with suppress(OSError, ValueError):
            null = os.open(os.devnull, os.O_WRONLY)
            os.dup2(null, self._stream.fileno())  # what the stream still holds goes there when it is closed
            os.close(null)


class Messages(logging.Handler):
    """Writes what is logged to standard error as it is at that moment, so above a bar and without failing."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one message."""
        try:
            print(self.format(record), file=sys.stderr, flush=True)
        except Exception:
            self.handleError(record)


@contextmanager
def tolerant() -> Iterator[None]:
    """Make the standard streams tolerant inside the block; streams that are so already stay as they are."""
    if isinstance(sys.stdout, Tolerant):
        yield
        return
    _occupy_descriptors()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (cast(TextIO, Tolerant(stream)) for stream in before)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        sys.stdout, sys.stderr = before


def require_printed() -> None:
    """Flush standard output; for commands whose product is what they print.

    Raises:
        OSError: text was lost, e.g. on a full disk. A reader that has enough (``head``) or a stream that was closed on
            purpose is no failure.
    """
    sys.stdout.flush()
    lost = getattr(sys.stdout, "lost", None)
    if isinstance(lost, OSError) and not isinstance(lost, BrokenPipeError):
        raise OSError(lost.errno, lost.strerror, "standard output")


def _occupy_descriptors() -> None:
    """Open what was closed before the process began, lest a file of a run get the number of a standard stream.

    Processes that are started from here need the streams, too: Python's pools fail without standard error.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
            os.set_inheritable(number, True)
