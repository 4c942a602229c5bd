"""Finds a run of the same configuration, seed and data that an earlier command left behind. Never imports torch."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from zsl_runner.config.bounds import read_configuration
from zsl_runner.config.hashes import config_hash
from zsl_runner.config.saved import CONFIG_FILE
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.typed import plain
from zsl_runner.errors import RunError
from zsl_runner.files.folders import entries
from zsl_runner.files.locks import is_held
from zsl_runner.runs.directory import folder_of
from zsl_runner.runs.result import FILE_NAME, Result, checksums

_BEST_FIRST = ("complete", "running", "interrupted", "failed")
_FINAL = ("complete", "failed")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Existing:
    """A run that is there already.

    Attributes:
        directory: its directory.
        result: its record.
        held: whether a process worked on it when the record was read.
    """

    directory: Path
    result: Result
    held: bool = False

    @property
    def state(self) -> str:
        """``complete``, ``failed``, ``running`` while a process works on it, or ``unfinished``."""
        if self.result.status in _FINAL:
            return self.result.status
        return "running" if self.held else "unfinished"


def find(config: RunConfig) -> Existing | None:
    """Return the run below ``outputs`` that ``config`` would repeat; None if there is none.

    Two runs are the same if their saved configurations agree in all that defines a run, in their seeds, and in whether
    they look at test labels (``evaluator.oracle``), and if their data have the same checksums, wherever these lie. A
    ``name`` in ``config`` counts, too: a name of its own asks for runs of its own. Of several such runs a complete one
    is taken, then an unfinished one, then a failed one.

    Raises:
        RunError: the folder of the runs or the data cannot be read.
    """
    wanted = config_hash(plain(config))
    found = []
    for directory in entries(folder_of(Path(config.outputs), config.model.name, config.dataset.name)):
        run = at(directory)
        # What the record says decides nothing: it spares reading the configurations of thousands of other runs.
        if run is None or (run.result.config_hash, run.result.seed) != (wanted, config.seed):
            continue
        if _repeats(saved_values(directory), config, wanted):
            found.append(run)
    if found:
        now = _checksums_now(config)
        found = [run for run in found if _has_data(run, now)]
    return min(found, key=lambda run: _BEST_FIRST.index(run.result.status), default=None)


def at(directory: Path) -> Existing | None:
    """Return the run in a directory, be its record missing or damaged; None if there is no run that can be read."""
    run = _read(directory)
    if run is None or run.result.status in _FINAL:
        return run
    # A process writes the record before it gives the lock back, so the record read once it is free is the last word.
    return replace(run, held=True) if is_held(directory) else _read(directory)


def _read(directory: Path) -> Existing | None:
    try:
        return Existing(directory, Result.load(directory / FILE_NAME))
    except RunError as error:
        if isinstance(error.__cause__, PermissionError):
            log.warning("%s; this run is skipped", error)
            return None
    try:
        return Existing(directory, unrecorded(saved_values(directory)))
    except (AttributeError, KeyError, TypeError):  # no run, or its configuration is damaged
        return None


def saved_values(directory: Path) -> Mapping[str, Any]:
    """Return the configuration of a run; empty if it is missing or damaged."""
    try:
        return read_configuration(directory / CONFIG_FILE)
    except RunError:
        return {}


def unrecorded(values: Mapping[str, Any], **known: Any) -> Result:
    """Return the record of a run of which its configuration is known, and little else.

    Args:
        values: its configuration.
        known: what else is known, by attribute of `Result`.

    Raises:
        KeyError: the configuration is none of a run.
    """
    return Result(
        status="running",
        model=values["model"]["name"],
        dataset=values["dataset"]["name"],
        trainer=values["trainer"]["name"],
        seed=values["seed"],
        config_hash=config_hash(values),
        **known,
    )


def _repeats(saved: Mapping[str, Any], config: RunConfig, wanted: str) -> bool:
    """Compare a saved configuration with what is to run."""
    evaluator, name = saved.get("evaluator"), saved.get("name")
    oracle = evaluator.get("oracle") if isinstance(evaluator, Mapping) else None
    is_same = config_hash(saved) == wanted and saved.get("seed") == config.seed
    return is_same and oracle == config.evaluator.oracle and config.name in (None, name)


def _checksums_now(config: RunConfig) -> list[str]:
    from zsl_runner.data.load import contents  # numpy is imported only where a run has been found

    return [file.sha256 for file in contents(config.dataset)]


def _has_data(run: Existing, now: list[str]) -> bool:
    """Tell whether a run's data are those there are now; one that was killed before it read any has none yet."""
    known = checksums(run.result.data)
    if known is None:
        return not run.result.data and run.result.status != "complete"
    return [sha256 for _, sha256 in known] == now
