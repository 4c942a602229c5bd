"""Starts a run or continues one, and leaves a truthful record whatever happens to it."""

from __future__ import annotations

import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from pathlib import Path

from zsl_runner import result as results
from zsl_runner import run_directory
from zsl_runner.atomic import write_text
from zsl_runner.config.identity import config_hash
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.typed import plain, to_yaml
from zsl_runner.errors import RunError
from zsl_runner.existing import find
from zsl_runner.guard import StopRequest, exclusive, one_at_a_time
from zsl_runner.loop import Interrupted
from zsl_runner.reopen import Reopened, recorded, reopen
from zsl_runner.report.summary import summary_table
from zsl_runner.result import Result
from zsl_runner.run import Run
from zsl_runner.runtime import Runtime


def execute(
    config: RunConfig,
    overrides: list[str],
    swept: Sequence[str] = (),
    announce: Callable[[Path], None] | None = None,
    only: bool = False,
) -> Result:
    """Start a new run and return its result.

    Args:
        config: checked configuration.
        overrides: the command line's overrides, for the directory's name and the record.
        swept: keys that have several values in the sweep the run belongs to.
        announce: told the run's directory as soon as it holds a record.
        only: there shall be no other run of this configuration, seed and data.

    Raises:
        RunError: the run failed; ``error.txt`` in its directory holds the traceback. Or it shall be the only one, and
            another process has started it in this instant.
    """
    experiment = next((o.partition("=")[2] for o in overrides if o.lstrip("+").startswith("experiment=")), None)
    slug = run_directory.slug_of(overrides, config.name, experiment, config.seed, swept)
    result = Result(
        status="running",
        model=config.model.name,
        dataset=config.dataset.name,
        trainer=config.trainer.name,
        seed=config.seed,
        config_hash=config_hash(plain(config)),
        git=results.git_state(),
        started=datetime.now(UTC).isoformat(timespec="seconds"),
        command=shlex.join(["zsl-run", *overrides]),
        debug=config.debug.active(),
    )
    saved = to_yaml(config)
    place = Path(config.outputs), config.model.name, config.dataset.name
    with ExitStack() as lock:
        with one_at_a_time(run_directory.made(run_directory.folder_of(*place))):
            other = find(config) if only else None
            if other is not None:
                raise RunError(f"{other.directory}: another process has just started this run; wait for it")
            directory = run_directory.create(*place, slug)
            lock.enter_context(exclusive(directory))
            write_text(directory / run_directory.CONFIG_FILE, saved)
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
    """
    directory = run_directory.open_existing(directory)
    complete = recorded(directory)
    if complete is not None and complete.status == "complete":
        print(summary_table(complete, directory))
        return complete
    with ExitStack() as lock:
        lock.enter_context(exclusive(directory))
        earlier = reopen(directory, config, Runtime(config.runtime).device)
        run_directory.remove_leftovers(directory)
        result = earlier.result
        result.status, result.error, result.finished = "running", None, None
        return _supervise(directory, config, result, lock.pop_all(), earlier)


def _supervise(
    directory: Path,
    config: RunConfig,
    result: Result,
    lock: AbstractContextManager[object],
    earlier: Reopened | None = None,
) -> Result:
    """Run, and leave a truthful record whatever happens; the run's ``lock`` is held and given back at the end."""
    stop = StopRequest()
    with lock:
        try:
            with stop.listening():
                (directory / "error.txt").unlink(missing_ok=True)
                result.save(directory)
                Run(directory, config, result, stop, earlier).execute()
            result.status = "complete"
            result.finished = datetime.now(UTC).isoformat(timespec="seconds")
            result.save(directory)
        except Interrupted:
            result.status = "interrupted"
            result.save(directory)
            print(f"interrupted; continue with: zsl-run resume={directory}", file=sys.stderr)
            if stop.signal == signal.SIGINT:
                raise KeyboardInterrupt from None
            raise SystemExit(128 + int(stop.signal or signal.SIGTERM)) from None
        except Exception as error:
            result.status = "failed"
            result.error = {"type": type(error).__name__, "message": str(error)}
            result.finished = datetime.now(UTC).isoformat(timespec="seconds")
            write_text(directory / "error.txt", traceback.format_exc())
            result.save(directory)
            if isinstance(error, RunError):
                raise
            raise RunError(f"{type(error).__name__}: {error}; the traceback is in {directory / 'error.txt'}") from error
    print(summary_table(result, directory))
    return result
