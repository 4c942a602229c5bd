"""Whether the process of a run is still there, as far as this machine can tell. Never imports torch."""

from __future__ import annotations

import platform
from pathlib import Path

from zsl_runner.errors import RunError
from zsl_runner.files.locks import holding
from zsl_runner.runs.result import Result

CUT_SHORT = "cut short"
UNKNOWN = "unknown"


def state_of(directory: Path, result: Result) -> str:
    """Return what became of a run: the status in its record, corrected where that says that it runs.

    A process that works on a run holds the lock of its directory. No lock tells of a process that is gone only where
    locks can be seen: on this machine's processes, on file systems that know locks. A run that has ended since its
    record was read was running then.

    Returns:
        ``complete``, ``failed``, ``interrupted``; ``running``, while a process works on it; `CUT_SHORT`, if none does;
        `UNKNOWN`, if nobody can know from here.
    """
    if result.status != "running":
        return result.status
    held = holding(directory)
    if held or (held is False and _has_ended_since(directory)):
        return "running"
    elsewhere = result.host is not None and result.host != platform.node()
    return UNKNOWN if held is None or elsewhere else CUT_SHORT


def _has_ended_since(directory: Path) -> bool:
    """Tell whether a record that said ``running`` says something else by now."""
    try:
        return Result.load(directory).status != "running"
    except RunError:
        return False


def told(directory: Path, result: Result) -> str:
    """Return the state in words: of an unknown one also why."""
    state = state_of(directory, result)
    if state != UNKNOWN:
        return state
    if result.host not in (None, platform.node()):
        return f"unknown whether it still runs, on {result.host}"
    return "unknown whether it still runs: its lock cannot be read here"
