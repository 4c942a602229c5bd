"""Starts a run or continues one, and leaves a truthful record whatever happens to it."""

from __future__ import annotations

import shlex
import signal
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from zsl_runner import result as results
from zsl_runner import run_directory
from zsl_runner.atomic import write_text
from zsl_runner.config.identity import config_hash
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.typed import plain, to_yaml
from zsl_runner.errors import RunError
from zsl_runner.guard import StopRequest, exclusive
from zsl_runner.loop import Interrupted
from zsl_runner.report.summary import summary_table
from zsl_runner.result import Result
from zsl_runner.run import Run


def execute(
    config: RunConfig,
    overrides: list[str],
    swept: Sequence[str] = (),
    announce: Callable[[Path], None] | None = None,
) -> Result:
    """Start a new run and return its result.

    Args:
        config: checked configuration.
        overrides: the command line's overrides, for the directory's name and the record.
        swept: keys that have several values in the sweep the run belongs to.
        announce: told the run's directory as soon as it holds a record.

    Raises:
        RunError: the run failed; ``error.txt`` in its directory holds the traceback.
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
    # All at once: a process that is killed in between leaves a directory that nobody can go on with.
    saved = to_yaml(config)
    directory = run_directory.create(Path(config.outputs), config.model.name, config.dataset.name, slug)
    write_text(directory / run_directory.CONFIG_FILE, saved)
    result.save(directory)
    if announce is not None:
        announce(directory)
    return _supervise(directory, config, result)


def resume(directory: Path, config: RunConfig) -> Result:
    """Continue a run in place; a complete one is only reported.

    Args:
        directory: the run's directory.
        config: its saved configuration with the allowed overrides.

    Raises:
        RunError: as in `execute`.
    """
    directory = run_directory.open_existing(directory)
    result = Result.load(directory)
    if result.status == "complete":
        print(summary_table(result, directory))
        return result
    result.status, result.error, result.finished = "running", None, None
    return _supervise(directory, config, result, restarted=True)


def _supervise(directory: Path, config: RunConfig, result: Result, restarted: bool = False) -> Result:
    """Run, and leave a truthful record whatever happens."""
    stop = StopRequest()
    with exclusive(directory):
        try:
            with stop.listening():
                (directory / "error.txt").unlink(missing_ok=True)
                result.save(directory)
                Run(directory, config, result, stop, restarted).execute()
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
