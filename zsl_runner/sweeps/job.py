"""What every launcher calls for each run of a sweep, in this process or in another one."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from hydra.conf import HydraConf
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from zsl_runner.config import gpus  # noqa: F401  (launchers' files need its resolver where the job runs)
from zsl_runner.config.check import check
from zsl_runner.config.hashes import fingerprint
from zsl_runner.config.loader import Loader, Source
from zsl_runner.config.paths import conf_directory
from zsl_runner.config.resume import resumed
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.sweep import told
from zsl_runner.config.typed import typed
from zsl_runner.console.failures import message, summary
from zsl_runner.console.frame import guarded
from zsl_runner.console.signals import STOP, ending_with
from zsl_runner.errors import ConfigError, ObjectiveError, OccupiedError
from zsl_runner.files.locks import is_held
from zsl_runner.runs.objective import objective
from zsl_runner.runs.repeated import Existing, at, find
from zsl_runner.runs.result import Result
from zsl_runner.runs.start import launch, resume
from zsl_runner.sweeps.notes import Note, Plan, read_note

_LOOKS = 0.5
"""Seconds between two looks whether another process still works on a trial's run."""
_LONGEST_WAIT = 7 * 24 * 3600
"""Seconds after which a trial waits no longer; a process that has gone has given its lock back long before."""


def job(config: DictConfig) -> float | list[float] | None:
    """Run one job of a sweep and return its objective.

    A failure is written down and printed, and None is returned: the launcher goes on with the other jobs, and the table
    at the end of the sweep tells. A job that is started a second time within a sweep, because its first process
    was lost or its machine taken away, goes on with its run.

    A worker of the sweep's command ends with it: if the command is killed, the run is saved and the worker leaves.

    Raises:
        KeyboardInterrupt: a signal asked this process to stop, now or during the job before.
    """
    settings = HydraConfig.get()
    os.chdir(settings.runtime.cwd)  # a worker may have been started elsewhere
    plan = Plan.load(Path(settings.sweep.dir))
    with guarded(), ending_with(plan.process):
        STOP.check()
        return _job(config, settings, plan)


def _job(config: DictConfig, settings: HydraConf, plan: Plan) -> float | list[float] | None:
    folder, number, overrides = Path(settings.sweep.dir), int(settings.job.num), list(settings.overrides.task)
    before = read_note(folder, number)
    note = Note(number, overrides)
    if before is not None and before.overrides == overrides:
        note.directory, note.was_complete = before.directory, before.was_complete
    existing = _lost(note)
    note.save(folder)

    def announce(directory: Path) -> None:
        note.directory = str(directory)
        note.save(folder)

    try:
        chosen = _configuration(config, overrides)
        _check(chosen, plan, overrides)
        directory = resumed(overrides)
        if directory is not None:
            announce(directory)
            return objective(resume(directory, chosen), chosen)
        if existing is None and chosen.existing != "new":
            existing = find(chosen)
            note.was_complete = existing is not None and existing.state == "complete"
        return objective(_launched(chosen, overrides, existing, plan, announce), chosen)
    except Exception as error:
        note.error, note.lacks_objective = summary(error), isinstance(error, ObjectiveError)
        if not (note.lacks_objective and plan.alike):  # the search ends, and its last line tells
            print(message("zsl-run", error), file=sys.stderr)
        note.save(folder)
        return None


def _launched(
    config: RunConfig, overrides: list[str], existing: Existing | None, plan: Plan, announce: Callable[[Path], None]
) -> Result:
    """Launch a job's run and return its result; a trial of a search waits while another process works on the same run.

    Trials that are drawn at a time may have the same values, and what one measures is what all of them would. If the
    other process ends without a result, the run goes on here, or its failure is told.

    Raises:
        RunError: the run failed, here or there.
        OccupiedError: another process works on it, and the job is none of a search, or has waited too long.
        KeyboardInterrupt: a signal came while it waited.
    """
    until = time.monotonic() + _LONGEST_WAIT
    only = config.existing != "new"
    while True:
        try:
            return launch(config, overrides, existing, plan.swept, announce, only, plan.study)
        except OccupiedError as error:
            announce(error.directory)  # of what becomes of the run there the table tells
            if not plan.study or time.monotonic() >= until:
                raise
            print(f"{error.directory}: another trial with the same values is at work; this one waits for its result")
            _wait(error.directory, until)
            existing = at(error.directory)


def _wait(directory: Path, until: float) -> None:
    """Look again after an instant, and again while a process works in the directory.

    Raises:
        KeyboardInterrupt: a signal came.
    """
    while True:
        STOP.check()
        time.sleep(_LOOKS)
        if not is_held(directory) or time.monotonic() >= until:
            return


def _configuration(config: DictConfig, overrides: list[str]) -> RunConfig:
    """Return the composed configuration, or the saved one of a run that ``resume=`` names."""
    if resumed(overrides) is None:
        return typed(config)
    return check(Loader(Source(conf_directory())), overrides, strictly=False).accepted()


def _check(config: RunConfig, plan: Plan, overrides: list[str]) -> None:
    """Refuse a configuration that is not the one that was checked before the sweep began.

    Raises:
        ConfigError: it is another one.
    """
    checked = plan.checked.get(told(overrides))
    if checked is not None and checked != fingerprint(asdict(config)):
        raise ConfigError(
            "the configuration of this job is not the one that was checked before the sweep: a file or an environment "
            "variable that it takes a value from has changed; start the sweep again"
        )


def _lost(note: Note) -> Existing | None:
    """Return the run of this very job's earlier process."""
    return None if note.directory is None else at(Path(note.directory))
