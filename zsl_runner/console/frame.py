"""The frame around every command: streams that never raise, signals that are heard, one handler of all failures.

Beside it, imports that last as long as the command.
"""

from __future__ import annotations

import atexit
import gc
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from zsl_runner.console.signals import STOP, end_quietly
from zsl_runner.console.terminal import require_printed, tolerant
from zsl_runner.errors import ConfigError

FAILED, REFUSED = 1, 2
_of_a_command = _imported = False


@contextmanager
def guarded() -> Iterator[None]:
    """Hear signals and lose what cannot be printed inside the block; one inside another does nothing more."""
    global _of_a_command
    _of_a_command = True
    before = threading.excepthook

    def of_a_thread(found: threading.ExceptHookArgs) -> None:
        if not isinstance(found.exc_value, OSError):  # whoever waits for what the thread writes is told
            before(found)

    threading.excepthook = of_a_thread
    try:
        with STOP.listening(), tolerant():
            yield
    finally:
        threading.excepthook = before


@contextmanager
def lasting() -> Iterator[None]:
    """Collect no garbage inside the block, which imports what takes long, nor later look through what is there by then.

    A short run would look through torch again and again, at last when the process ends. Only once in the process of a
    command, and not in a program of a user's own, whose garbage would stay.
    """
    global _imported
    if not _of_a_command or _imported or not gc.isenabled():
        yield
        return
    _imported = True
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()


def run(program: str, work: Callable[[], int]) -> int:
    """Do the work of a command and return its exit code.

    Args:
        program: name of the command, for its messages.
        work: returns an exit code, or raises.

    Returns:
        What ``work`` returns; 2 if an argument, an option or a place to write to is wrong, also where only the data
        show it; 1 if the work failed; 128 and the signal's number if one came, whatever became of the work.

    Raises:
        SystemExit: the arguments ask for help or are wrong.
    """
    atexit.unregister(end_quietly)
    atexit.register(end_quietly)
    try:
        with guarded():
            code = _answered(program, work)
    except SystemExit as leave:
        if STOP.requested():
            return STOP.code
        raise leave
    return STOP.code if STOP.requested() else code


def _answered(program: str, work: Callable[[], int]) -> int:
    try:
        with STOP.interrupting():
            try:
                return work()
            except SystemExit as leave:
                if not leave.code:  # help was asked for, and is the whole product
                    require_printed()
                raise
    except KeyboardInterrupt:
        return STOP.code
    except Exception as error:
        from zsl_runner.console.failures import message  # most commands do not need it

        print(message(program, error), file=sys.stderr)
        return REFUSED if isinstance(error, ConfigError) else FAILED
