"""Finds a run of the same configuration and seed that an earlier command left behind. Never imports torch."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from zsl_runner.config.bounds import check_file
from zsl_runner.config.identity import config_hash
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.typed import plain
from zsl_runner.errors import RunError
from zsl_runner.guard import is_held
from zsl_runner.result import FILE_NAME, Result
from zsl_runner.run_directory import CONFIG_FILE, folder_of

_BEST_FIRST = ("complete", "running", "interrupted", "failed")


@dataclass(frozen=True)
class Existing:
    """A run that is there already.

    Attributes:
        directory: its directory.
        result: its record.
    """

    directory: Path
    result: Result

    @property
    def state(self) -> str:
        """``complete``, ``failed``, ``running`` while a process works on it, or ``unfinished``."""
        if self.result.status in ("complete", "failed"):
            return self.result.status
        return "running" if is_held(self.directory) else "unfinished"


def find(config: RunConfig) -> Existing | None:
    """Return the run below ``outputs`` that ``config`` would repeat; None if there is none.

    Two runs are the same if their configuration hashes and seeds agree, and whether they look at test labels
    (``evaluator.oracle``). A ``name`` in ``config`` counts, too: a name of its own asks for runs of its own. Of
    several such runs a complete one is taken, then an unfinished one, then a failed one.
    """
    values = plain(config)
    wanted = config_hash(values)
    folder = folder_of(Path(config.outputs), config.model.name, config.dataset.name)
    found = []
    for file in sorted(folder.glob(f"*/{FILE_NAME}")):
        try:
            result = Result.load(file)
        except RunError:
            continue
        is_same = (result.config_hash, result.seed) == (wanted, config.seed) and result.status in _BEST_FIRST
        if is_same and _alike(file.parent, config):
            found.append(Existing(file.parent, result))
    return min(found, key=lambda run: _BEST_FIRST.index(run.result.status), default=None)


def _alike(directory: Path, config: RunConfig) -> bool:
    """Compare the two keys outside the hash that make a run another one."""
    try:
        check_file(directory / CONFIG_FILE)
        saved = yaml.safe_load((directory / CONFIG_FILE).read_text(encoding="utf-8"))
        oracle, name = saved["evaluator"]["oracle"], saved.get("name")
    except (OSError, ValueError, RunError, yaml.YAMLError, KeyError, TypeError, AttributeError):
        return False
    return bool(oracle == config.evaluator.oracle) and config.name in (None, name)
