"""What a fast copy that cannot be written means: a run goes on without it, but who asked for it alone is refused."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path

from zsl_runner.config.places import obstacle
from zsl_runner.errors import DataError, RunError

_required = ContextVar("required", default=False)
_log = logging.getLogger(__name__)


@contextmanager
def required() -> Iterator[None]:
    """Refuse to go on without a copy inside the block, where it is what was asked for."""
    token = _required.set(True)
    try:
        yield
    finally:
        _required.reset(token)


@contextmanager
def keeping(target: Path) -> Iterator[None]:
    """Warn, and go on, if the block cannot write a copy, for example on a full or read-only disk.

    Args:
        target: the copy's file.

    Raises:
        DataError: it cannot be written, and is `required`.
    """
    try:
        yield
    except (OSError, RunError) as error:
        cause = error if isinstance(error, OSError) else error.__cause__
        reason = obstacle(target.parent) or getattr(cause, "strerror", None) or error
        if _required.get():
            remedy = "make room, or choose another folder with --cache DIR"
            raise DataError(f"{target}: the cache cannot be written: {reason}; {remedy}") from error
        _log.warning(
            "%s: the cache cannot be written (%s); the data are used without it. "
            "Set ZSL_CACHE or dataset.cache to a writable folder, or dataset.cache=null.",
            target,
            reason,
        )
