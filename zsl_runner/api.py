"""What Python programs and notebooks use: ``zsl_runner.open_run``, ``zsl_runner.read_results``, ``zsl_runner.run``."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_runner.config.check import check
from zsl_runner.config.command import read
from zsl_runner.config.loader import Loader
from zsl_runner.config.problems import without_effect
from zsl_runner.config.quoting import again
from zsl_runner.config.store import register
from zsl_runner.errors import CheckpointError, ConfigError
from zsl_runner.report.collect import collect
from zsl_runner.runs.start import start

if TYPE_CHECKING:
    from zsl_runner.runs.trained import TrainedRun


def open_run(
    directory: str | Path, device: str = "auto", unfinished: bool = False, root: str | Path | None = None
) -> TrainedRun:
    """Return the run in a directory with its newest checkpoint's weights.

    Args:
        directory: the run's directory.
        device: where to put model and data: auto, cpu, cuda or cuda:N.
        unfinished: also open a run that is not complete.
        root: folder that its data were moved to; None takes the run's.

    Raises:
        RunError: there is no run, it is not complete, it has no checkpoint, or its data cannot be used or are not those
            it began with.
    """
    from zsl_runner.runs import opened  # torch is imported only when a run is opened
    from zsl_runner.training.runtime import settings_kept

    with settings_kept():
        run = opened.open_run(Path(directory), device, root=None if root is None else Path(root))
    if run.status != "complete" and not unfinished:
        raise CheckpointError(
            f"{run.directory}: the run is not complete: its newest checkpoint is of step {run.step}, in the "
            f"{run.stage} stage; continue with: {again(run.directory)}\nor open it as it is with unfinished=True"
        )
    return run


def read_results(*folders: str | Path) -> list[dict[str, Any]]:
    """Return the records of all runs below some folders, whatever became of them.

    A record that cannot be read is told by a warning and left out.

    Args:
        folders: where to look; none for ``outputs``.

    Returns:
        For each run what its ``result.json`` holds, with ``run`` (the directory), ``config`` (the configuration by
        dotted keys), and a ``status`` that tells also of runs that were cut short. In the order of the directories.

    Raises:
        RunError: a folder does not exist.
    """
    findings = collect([Path(folder) for folder in folders or ("outputs",)])
    for message in findings.unreadable:
        warnings.warn(message, stacklevel=2)
    return [
        {"run": str(run.directory), **asdict(run.result), "status": run.state, "config": run.config}
        for run in findings.runs
    ]


def run(overrides: Iterable[str] = ()) -> TrainedRun:
    """Do in this process what ``zsl-run`` does with the same overrides, and return the finished run, opened.

    Ctrl-C saves the state of the run, as it does for the command. What a run sets in torch for its process, such as
    threads and determinism, is as before afterwards.

    Args:
        overrides: of one run, each as on the command line, for example ``["model=vzsl", "seed=1"]``.

    Raises:
        ConfigError: the configuration was refused, and nothing was written; or several runs were asked for.
        RunError: the run failed.
        KeyboardInterrupt: it was stopped; its state is saved.
    """
    given = _listed(overrides)
    register()
    command = read(given)
    verdict = check(Loader(command.source), command.overrides, settings=command.settings())
    config = verdict.accepted()
    if config.task == "check":
        raise ConfigError("task=check starts no run that could be returned; use the command")
    for line in without_effect([verdict.idle]):
        warnings.warn(line, stacklevel=2)
    from zsl_runner.training.runtime import settings_kept  # torch is imported only when something runs

    directories: list[Path] = []
    with settings_kept():
        start(config, list(command.overrides), verdict.resumes, directories.append)
    # What resumes a run may say that its data were moved; the run keeps where they were.
    return open_run(directories[0], config.runtime.device, root=getattr(config.dataset, "root", None))


def _listed(overrides: Iterable[str]) -> list[str]:
    if isinstance(overrides, str):
        raise ConfigError(f"overrides: expected a list of texts, found one text; write {overrides.split()!r}")
    overrides = list(overrides)  # a generator is used up by reading it
    others = [override for override in overrides if not isinstance(override, str)]
    if others:
        raise ConfigError(f"overrides: expected texts such as 'seed=3', found {others[0]!r}")
    flags = [text for text in overrides if text.startswith("-")]
    if flags:
        raise ConfigError(f"overrides: expected key=value, found {flags[0]}; flags and sweeps belong to the command")
    return overrides
