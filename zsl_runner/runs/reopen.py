"""Takes up what an earlier process left of a run, and proves first that it is the same run: configuration, seed, data.

Nothing is written here: a run that is refused stays as it is.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import zip_longest
from pathlib import Path
from typing import Any

import torch
from omegaconf import OmegaConf

from zsl_runner.config.hashes import config_hash, what_repeats
from zsl_runner.config.identity import flatten
from zsl_runner.config.quoting import anew, restoration, written
from zsl_runner.config.saved import CHECKPOINTS, CONFIG_FILE, read_saved
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.typed import plain, typed
from zsl_runner.data.load import contents, load
from zsl_runner.data.records import Records, SourceFile
from zsl_runner.errors import CheckpointError, ConfigError, DataError, RunError
from zsl_runner.runs.checkpoint import Checkpoints, Saved
from zsl_runner.runs.repeated import unrecorded
from zsl_runner.runs.result import Result, checksums

STATE: Mapping[str, Any] = {
    "stage": str,
    "step": int,
    "finished": dict,
    "oracle_best": dict,
    "metrics": dict,
    "wall": float,
    "cpu": float,
    "stage_seconds": float,
    "parts": dict,
    "loop": dict,
}
"""What the state of a run must hold."""

_ABSENT = "nothing"
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Reopened:
    """What an earlier process left.

    Attributes:
        result: the run's record, rebuilt if it was missing or damaged.
        saved: the newest whole checkpoint; None if there is none yet.
        records: the data, which are those the run began with.
    """

    result: Result
    saved: Saved | None
    records: Records


def reopen(directory: Path, config: RunConfig, device: torch.device | str, trains: bool) -> Reopened:
    """Return what is left of the run in ``directory``.

    Args:
        directory: the run's directory.
        config: the configuration it is to be used with.
        device: where its tensors are put.
        trains: it is to go on, so that it must not lack an option: an earlier version did without, and may have
            computed otherwise. A run that is only looked at has the defaults of such options.

    Raises:
        CheckpointError: configuration, seed or data are not those the run began with, or nobody can tell; or an
            earlier version began it, and it is to go on.
        RunError: the record, the checkpoints or the data cannot be read.
    """
    saved = Checkpoints(directory / CHECKPOINTS, required=STATE).newest(device)
    result = recorded(directory)
    if saved is not None and saved.record and result is not None and not _is_of(result, saved.config or {}):
        result = None  # a record of another run
    if saved is not None and saved.config is None and result is None:
        raise CheckpointError(
            f"{directory}: result.json cannot be used, and {saved.path.name} was written by a version that does not "
            "keep seed and data in checkpoints: nobody can tell what the run was; start a new one"
        )
    changes, later = _changes_of_configuration(directory, config, saved, result)
    _require(directory, "config.yaml is", changes, saved)
    if later and trains:
        lines = "".join(f"\n  {option}" for option in later)
        raise CheckpointError(
            f"{directory}: an earlier version without these options began the run, and may have computed otherwise:"
            f"{lines}\ngo on with that version, or start a new run: {anew(directory)}"
        )
    if later:
        log.warning("%s: an earlier version began the run; what it lacks is set to %s", directory, ", ".join(later))
    before = checksums(saved.record.get("data")) if saved is not None and saved.record else None
    if before is None and result is not None:
        before = checksums(result.data)
    if before:  # exchanged files need not even fit together
        _require(directory, "the data are", _changes_of_data(before, contents(config.dataset)), saved)
    try:
        records = load(config.dataset)
    except ConfigError as error:  # of a run that is there, nothing that was asked for now
        raise DataError(str(error)) from error
    _require(directory, "the data are", _changes_of_data(before, records.provenance.files), saved)
    return Reopened(result or _rebuilt(directory, config, saved), saved, records)


def completed(directory: Path, config: RunConfig) -> Result | None:
    """Return the record of a run that is complete; None if it is not, or the record is another run's.

    Whose record it is the newest checkpoint tells, which holds the metrics, too. Without one that can be read, or with
    one of format 1, the record is taken at its word.

    Raises:
        RunError: the record is there and may not be read.
    """
    result = recorded(directory)
    if result is None or result.status != "complete":
        return None
    try:
        saved = Checkpoints(directory / CHECKPOINTS, required=STATE).newest()
    except CheckpointError:
        return result
    if saved is None or saved.config is None:
        return result
    changes, _ = _changes_of_configuration(directory, config, saved, result)
    measured = {tag: repr(value) for tag, value in result.metrics.items()}
    is_its_own = measured == {tag: repr(value) for tag, value in saved.state["metrics"].items()}
    return result if is_its_own and not changes and _is_of(result, saved.config) else None


def recorded(directory: Path) -> Result | None:
    """Return the record of a run; None if it is missing or damaged.

    Raises:
        RunError: it is there and may not be read.
    """
    try:
        return Result.load(directory)
    except RunError as error:
        if isinstance(error.__cause__, OSError) and not isinstance(error.__cause__, FileNotFoundError):
            raise
        return None


def _is_of(result: Result, config: Mapping[str, Any]) -> bool:
    return (result.config_hash, result.seed) == (config_hash(config), config.get("seed"))


def _require(directory: Path, what: str, changes: list[str], saved: Saved | None) -> None:
    """Raise the refusal of a run in which something has changed."""
    if not changes:
        return
    remedy = "put back what it began with, or start a new run"
    if saved is not None and saved.config is not None:
        remedy += f"; to write {CONFIG_FILE} as it was: {restoration(directory)}"
    lines = "".join(f"\n  {change}" for change in changes)
    raise CheckpointError(f"{directory}: {what} not what the run began with:{lines}\n{remedy}")


def _changes_of_configuration(
    directory: Path, config: RunConfig, saved: Saved | None, result: Result | None
) -> tuple[list[str], list[str]]:
    """Return what is not as the run began, and the options that came after the version that began it."""
    values, found = plain(config), []
    if saved is not None and saved.config is not None:
        begun = saved.config
    else:  # of which the hash alone is known: it proves that the file was not edited
        begun = read_saved(directory)
        wanted = saved.config_hash if saved is not None else result.config_hash if result is not None else None
        if wanted not in (None, config_hash(begun), config_hash(values)):
            hashes = f"now {config_hash(values)}, then {wanted}"
            found.append(f"the hash of all that defines it: {hashes}; a value was edited")
        if result is not None and result.seed != config.seed:
            found.append(f"seed: now {config.seed}, then {result.seed}")
    before, now = what_repeats(_with_options_of_today(begun)), what_repeats(values)
    keys = [key for key in before | now if before.get(key, _ABSENT) != now.get(key, _ABSENT)]
    found += [f"{key}: now {now.get(key, _ABSENT)}, then {before.get(key, _ABSENT)}" for key in keys]
    known = flatten(begun)
    return found, [f"{key}={written(now[key])}" for key in before if key in now and key not in known]


def _with_options_of_today(begun: dict[str, Any]) -> dict[str, Any]:
    """Return a configuration with the defaults of options it lacks; as it is if it has some that are gone."""
    try:
        return plain(typed(OmegaConf.create(begun)))
    except ConfigError:
        return begun


def _changes_of_data(before: Sequence[tuple[str, str]] | None, files: Iterable[SourceFile]) -> list[str]:
    now = [(file.path, file.sha256) for file in files]
    changes = []
    for new, old in zip_longest(now, now if before is None else before, fillvalue=(_ABSENT, _ABSENT)):
        if new[1] != old[1]:
            moved = f" (then {old[0]})" if new[0] != old[0] else ""
            changes.append(f"{new[0]}{moved}: sha256 now {new[1]}, then {old[1]}")
    return changes


def _rebuilt(directory: Path, config: RunConfig, saved: Saved | None) -> Result:
    """Return the record that a run must have had, from its checkpoint, else from its configuration."""
    log.warning("%s: result.json is missing or damaged, and is rebuilt", directory)
    if saved is not None:
        as_written = json.loads(json.dumps(saved.record, default=str))  # a checkpoint keeps tuples, a file has lists
        return Result.of(as_written, str(saved.path))
    begun = (directory / CONFIG_FILE).stat().st_mtime
    return unrecorded(plain(config), started=datetime.fromtimestamp(begun, UTC).isoformat(timespec="seconds"))
