"""Finds the runs below some folders."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from zsl_runner.config.bounds import read_configuration
from zsl_runner.config.hashes import neutral_options, results_hash
from zsl_runner.config.identity import flatten
from zsl_runner.config.places import out_of_reach
from zsl_runner.config.saved import CONFIG_FILE
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.runs.presence import state_of
from zsl_runner.runs.result import FILE_NAME, Result

CONFIG_HEADER = b"# The whole configuration of a run, written by zsl-run"


@dataclass(frozen=True)
class FoundRun:
    """A run on disk.

    Attributes:
        directory: its directory.
        result: its record.
    """

    directory: Path
    result: Result

    @cached_property
    def state(self) -> str:
        """What became of it; see `zsl_runner.runs.presence.state_of`."""
        return state_of(self.directory, self.result)

    @cached_property
    def config(self) -> dict[str, Any]:
        """The run's configuration with dotted keys, and defaults of options it lacks that are known to change nothing.

        Empty if there is no file.

        Raises:
            RunError: the file cannot be read, or is no configuration.
        """
        return neutral_options(self._values) | flatten(self._values)

    @cached_property
    def identity(self) -> str:
        """Equal for runs that repeat each other, be they of different versions; without configuration their hash."""
        return results_hash(self._values) if self._values else self.result.config_hash

    @cached_property
    def _values(self) -> Mapping[str, Any]:
        path = self.directory / CONFIG_FILE
        return read_configuration(path) if path.exists() else {}


@dataclass
class Findings:
    """Everything below the folders.

    Attributes:
        runs: runs whose record could be read, by directory.
        unreadable: messages about records that could not be read.
    """

    runs: list[FoundRun] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def collect(folders: Sequence[Path]) -> Findings:
    """Read every ``result.json`` below the folders; a run found twice counts once.

    Raises:
        ConfigError: a folder does not exist.
    """
    findings = Findings()
    known: set[Path] = set()
    for folder in folders:
        if reason := out_of_reach(folder):
            raise ConfigError(f"{folder}: cannot be read: {reason}")
        if not folder.is_dir():
            raise ConfigError(f"{folder}: no such folder of runs")
        for place, inside, files in os.walk(folder, onerror=partial(_note, findings)):
            inside.sort()
            if FILE_NAME not in files:
                if CONFIG_FILE in files and _is_run(Path(place)):
                    findings.unreadable.append(f"{place}: {CONFIG_FILE} but no {FILE_NAME}; resume= makes it anew")
                continue
            inside.clear()
            directory = Path(place)
            if directory.resolve() in known:
                continue
            known.add(directory.resolve())
            try:
                findings.runs.append(_sound(directory))
            except RunError as error:
                findings.unreadable.append(str(error))
    findings.runs.sort(key=lambda run: str(run.directory))
    return findings


def _note(findings: Findings, error: OSError) -> None:
    findings.unreadable.append(f"{error.filename}: cannot be read: {error.strerror}; runs in it are left out")


def _sound(directory: Path) -> FoundRun:
    """Return the run in a directory.

    Raises:
        RunError: its record or its configuration is damaged.
    """
    run = FoundRun(directory, Result.load(directory))
    _ = run.config
    return run


def _is_run(directory: Path) -> bool:
    """Tell whether a configuration was written by a run: other folders may hold files of that name, too."""
    try:
        with (directory / CONFIG_FILE).open("rb") as file:
            return file.read(len(CONFIG_HEADER)) == CONFIG_HEADER
    except OSError:
        return False
