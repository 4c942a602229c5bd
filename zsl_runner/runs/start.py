"""Starts a run, or goes on with the one that an earlier command left behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from zsl_runner.config.schema import RunConfig
from zsl_runner.console.frame import lasting
from zsl_runner.console.signals import STOP
from zsl_runner.errors import ObjectiveError, OccupiedError, RunError
from zsl_runner.runs.repeated import Existing, find
from zsl_runner.runs.result import Result


def start(
    config: RunConfig, overrides: list[str], resumes: Path | None, announce: Callable[[Path], None] | None = None
) -> Result:
    """Start one run that was checked, or go on with the one that it resumes or repeats; return its result.

    Args:
        config: the checked configuration.
        overrides: its overrides.
        resumes: the directory of the run to be continued, if one was named.
        announce: told the run's directory before anything is computed.

    Raises:
        RunError: the run failed, or another process is working on it.
    """
    if resumes is not None:
        if announce is not None:
            announce(resumes)
        return resume(resumes, config)
    keeps = config.existing in ("keep", "retry")
    return launch(config, overrides, find(config) if keeps else None, announce=announce, only=keeps)


def launch(
    config: RunConfig,
    overrides: list[str],
    existing: Existing | None = None,
    swept: Sequence[str] = (),
    announce: Callable[[Path], None] | None = None,
    only: bool = False,
    study: str = "",
) -> Result:
    """Run ``config`` and return the result; of a run that is there already only what is left to do.

    Args:
        config: checked configuration.
        overrides: its overrides, for the directory's name and the record.
        existing: the run to go on with; None starts a new one.
        swept: keys that have several values in the sweep the run belongs to.
        announce: told the run's directory before anything is computed.
        only: another process may not have started the same run in the meantime.
        study: of the search that asks for the run, for the record of a new one.

    Raises:
        RunError: the run failed, now or before.
        OccupiedError: another process is working on it.
    """
    if existing is None:
        with lasting():
            from zsl_runner.runs.attempt import execute  # torch is imported only when something runs
        with STOP.deferred():  # from the first file on
            return execute(config, overrides, swept, announce, only, study)
    if announce is not None:
        announce(existing.directory)
    state = existing.state
    if state == "complete":
        print(f"complete already: {existing.directory}")
        return existing.result
    if state == "running":
        raise OccupiedError(f"{existing.directory}: another process is working on this run", existing.directory)
    error = existing.result.error or {}
    # Nothing went wrong in a run that lacked an objective alone: under another one it goes on.
    if state == "failed" and config.existing != "retry" and error.get("type") != ObjectiveError.__name__:
        reason = f"{error.get('type')}: {error.get('message')}"
        raise RunError(f"{existing.directory}: failed before ({reason}); use existing=retry to continue it")
    return resume(existing.directory, config)


def resume(directory: Path, config: RunConfig) -> Result:
    """Go on with the run in ``directory``, whatever became of it before, and return its result.

    Raises:
        RunError: the run failed, or another process is working on it.
    """
    with lasting():
        from zsl_runner.runs import attempt as supervision
    with STOP.deferred():
        return supervision.resume(directory, config)
