"""Starts a run or continues one, and leaves a truthful record whatever happens to it."""

from __future__ import annotations

import contextlib
import platform
import shlex
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path

from zsl_runner.config.hashes import config_hash
from zsl_runner.config.quoting import again
from zsl_runner.config.saved import CONFIG_FILE, open_existing
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.typed import plain, to_yaml
from zsl_runner.console.failures import account, caused_by_the_system, expected, place_elsewhere, summary
from zsl_runner.console.signals import STOP
from zsl_runner.errors import CheckpointError, ObjectiveError, OccupiedError, RunError
from zsl_runner.files.locks import exclusive, one_at_a_time
from zsl_runner.files.writing import write_text
from zsl_runner.runs import directory as run_directory
from zsl_runner.runs import result as results
from zsl_runner.runs.reopen import Reopened, completed, reopen
from zsl_runner.runs.repeated import find
from zsl_runner.runs.result import Result
from zsl_runner.runs.run import Run
from zsl_runner.runs.summary import summary_table
from zsl_runner.training.loop import Interrupted
from zsl_runner.training.runtime import Runtime

ERROR_FILE = "error.txt"


def execute(
    config: RunConfig,
    overrides: list[str],
    swept: Sequence[str] = (),
    announce: Callable[[Path], None] | None = None,
    only: bool = False,
    study: str = "",
) -> Result:
    """Start a new run and return its result.

    Args:
        config: checked configuration.
        overrides: the command line's overrides, for the directory's name and the record.
        swept: keys that have several values in the sweep the run belongs to.
        announce: told the run's directory as soon as it holds a record.
        only: there shall be no other run of this configuration, seed and data.
        study: of the search that asks for the run, for the record.

    Raises:
        RunError: the run failed; ``error.txt`` in its directory holds the traceback.
        OccupiedError: it shall be the only one, and another process has started it in this instant.
        ObjectiveError: it belongs to a search and does not measure an objective of it.
        KeyboardInterrupt: a signal stopped it; its state is saved.
    """
    slug = run_directory.slug_of(overrides, config.name, config.seed, swept)
    result = Result(
        status="running",
        model=config.model.name,
        dataset=config.dataset.name,
        trainer=config.trainer.name,
        seed=config.seed,
        config_hash=config_hash(plain(config)),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join(["zsl-run", *overrides]),
        study=study,
        debug=config.debug.active(),
    )
    saved = to_yaml(config)
    place = Path(config.outputs), config.model.name, config.dataset.name
    with ExitStack() as lock:
        with one_at_a_time(run_directory.made(Path(config.outputs))):
            other = find(config) if only else None
            if other is not None:
                told = f"{other.directory}: another process has just started this run; wait for it"
                raise OccupiedError(told, other.directory)
            directory = run_directory.create(*place, slug)
            lock.enter_context(exclusive(directory))
            write_text(directory / CONFIG_FILE, saved)
            result.save(directory)
        if announce is not None:
            announce(directory)
        return _supervise(directory, config, result, lock.pop_all())


def resume(directory: Path, config: RunConfig) -> Result:
    """Continue a run in place; a complete one is only reported.

    Args:
        directory: the run's directory.
        config: its saved configuration with the allowed overrides.

    Raises:
        RunError: as in `execute`; or configuration, seed or data are not those the run began with.
        OccupiedError: another process is working on it.
    """
    directory = open_existing(directory)
    complete = completed(directory, config)
    if complete is None:
        with ExitStack() as lock:
            lock.enter_context(exclusive(directory))
            complete = completed(directory, config)  # another process may have come to its end since
            if complete is None:
                earlier = reopen(directory, config, Runtime(config.runtime).device, trains=True)
                run_directory.remove_leftovers(directory)
                result = earlier.result
                result.status, result.error, result.finished = "running", None, None
                return _supervise(directory, config, result, lock.pop_all(), earlier)
    print(summary_table(complete, directory))
    return complete


def _supervise(
    directory: Path,
    config: RunConfig,
    result: Result,
    lock: AbstractContextManager[object],
    earlier: Reopened | None = None,
) -> Result:
    """Run, and leave a truthful record whatever happens; the run's ``lock`` is held and given back at the end.

    Raises:
        KeyboardInterrupt: a signal stopped the run; its state is saved.
    """
    with lock, STOP.deferred():
        try:
            (directory / ERROR_FILE).unlink(missing_ok=True)
            result.host, result.git = platform.node(), results.git_state()
            result.save(directory)
            Run(directory, config, result, STOP, earlier).execute()
            run_directory.require_in_place(directory, result)
            result.status = "complete"
            result.finished = datetime.now(UTC).isoformat(timespec="seconds")
            result.save(directory)
        except Interrupted:
            result.status = "interrupted"
            print(f"interrupted; continue with: {again(directory)}", file=sys.stderr)  # whether or not it can be noted
            result.save(directory)
            raise KeyboardInterrupt from None
        except Exception as error:
            if (moved := run_directory.lies_elsewhere(directory, result)) is not None:
                raise RunError(moved) from error
            _note_failure(directory, result, error)
            kind = ObjectiveError if isinstance(error, ObjectiveError) else RunError
            raise kind(_told(directory, error)) from error
        print(summary_table(result, directory))
    return result


def _note_failure(directory: Path, result: Result, error: Exception) -> None:
    """Write down why the run failed, as far as the disk allows; the record tells of a run that was cut short else."""
    result.status = "failed"
    result.error = {"type": type(error).__name__, "message": expected(error) or str(error)}
    result.finished = datetime.now(UTC).isoformat(timespec="seconds")
    with contextlib.suppress(RunError):
        result.save(directory)
    with contextlib.suppress(RunError):
        write_text(directory / ERROR_FILE, account(error))


def _told(directory: Path, error: Exception) -> str:
    """Return what the user is told about a failed run: the cause, and what can be done."""
    line = expected(error)
    if line is None:
        told = f"{summary(error)}; the traceback is in {directory / ERROR_FILE}"
        place = place_elsewhere(error)
        if place is not None:
            return f"{told}\n{place}: mend it there"
        return f"{told}\nplease report this bug with that file, which holds command and versions, too"
    if (caused_by_the_system(error) or isinstance(error, CheckpointError)) and any(
        (directory / "checkpoints").glob("step-*.pt")
    ):
        return f"{line}\nthe run is kept up to its newest checkpoint; continue with: {again(directory)}"
    return line
