"""What a child does to itself before its command starts: fewer privileges, no locks, small files, signals."""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import resource
import signal
import sys
import time
from typing import Any

from scripts.torture.children import Hook

_CAPABILITY_VERSION = 0x20080522
_OVERRIDES = 1 << 1 | 1 << 2
"""CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH."""


def without_privileges(_: int) -> None:
    """Give up what lets root read and write whatever permissions say; it stays the owner of its files.

    Another user would not do: the packages of root's environment may be readable to root alone.
    """
    if os.getuid() != 0:
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    held = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice 32 bits of each
    if libc.capget(header, held):
        raise OSError(ctypes.get_errno(), "capget")
    held[0] &= ~_OVERRIDES
    held[1] &= ~_OVERRIDES
    if libc.capset(header, held):
        raise OSError(ctypes.get_errno(), "capset")


def without_locks(number: int) -> Hook:
    """Return a hook after which the file system has no locks and says so with this error number."""

    def hook(_: int) -> None:
        def fails(*arguments: Any) -> None:
            raise OSError(number, os.strerror(number))

        fcntl.flock = fails
        fcntl.lockf = fails

    return hook


def with_small_files(size: int) -> Hook:
    """Return a hook after which no file may grow beyond a size: writing more fails with EFBIG."""

    def hook(_: int) -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))

    return hook


def signalled_in_the_test(number: int, *, after: bool = False) -> Hook:
    """Return a hook that sends a signal to the process itself when it reads the test rows, or when it has read them."""

    def hook(_: int) -> None:
        from zsl_runner.runs.stage import StageRun

        test = StageRun.test

        def struck(self: StageRun, *arguments: Any) -> None:
            if after:
                test(self, *arguments)
            os.kill(os.getpid(), number)
            if not after:
                test(self, *arguments)

        StageRun.test = struck  # type: ignore[assignment,method-assign]

    return hook


def signalled_at_step(number: int, step: int) -> Hook:
    """Return a hook that sends a signal when so many steps are done."""

    def hook(_: int) -> None:
        from zsl_runner.tracking.tracker import Tracker

        advance, done = Tracker.advance, [0]

        def struck(self: Tracker) -> None:
            advance(self)
            done[0] += 1
            if done[0] == step:
                os.kill(os.getpid(), number)

        Tracker.advance = struck  # type: ignore[method-assign]

    return hook


def signalled_after_renaming(part: str, number: int) -> Hook:
    """Return a hook that sends a signal at the next open or rename after a file with ``part`` in its name appeared."""
    appeared = False

    def hook(_: int) -> None:
        def look(event: str, details: tuple[Any, ...]) -> None:
            nonlocal appeared
            if event not in ("open", "os.rename"):
                return
            if appeared:
                os.kill(os.getpid(), number)
            appeared = event == "os.rename" and part in str(details[1])

        sys.addaudithook(look)

    return hook


def slow_to_make_directories(_: int) -> None:
    """Wait before each directory that is made, so that two processes meet there."""

    def look(event: str, details: tuple[Any, ...]) -> None:
        if event == "os.mkdir":
            time.sleep(0.2)

    sys.addaudithook(look)


def no_such_call() -> int:
    """Return the error number of a call that a system does not have."""
    return errno.ENOSYS
