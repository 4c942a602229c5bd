"""Imports that last as long as a command, which the garbage collector need not look through again and again."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_of_a_command = _kept = False


def say_of_a_command() -> None:
    """Say for the process that it works for a command, to whose end all that it imports stays."""
    global _of_a_command
    _of_a_command = True


@contextmanager
def lasting() -> Iterator[None]:
    """Collect nothing inside the block, which imports what takes long, nor ever look through what is there at its end.

    Looking through torch again and again, at last when the process ends, is a third of a short run. Only once in a
    process, and not in a program of a user's own, whose garbage would stay.
    """
    global _kept
    if not _of_a_command or _kept or not gc.isenabled():
        yield
        return
    _kept = True
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
