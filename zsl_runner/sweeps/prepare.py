"""Decides what a sweep needs before Hydra starts it: its folder, its plan, what its jobs take from this process."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from omegaconf import DictConfig

from zsl_runner.config.command import quoted
from zsl_runner.config.loader import Loader
from zsl_runner.config.sweep import columns, is_search
from zsl_runner.sweeps.notes import Plan


@dataclass(frozen=True)
class Prepared:
    """A sweep that may start.

    Attributes:
        folder: where its jobs write their notes.
        settings: overrides of Hydra's own configuration.
    """

    folder: Path
    settings: list[str]


def prepare(settings: DictConfig, loader: Loader, arguments: Sequence[str], command: str) -> Prepared:
    """Write the plan of a sweep.

    Args:
        settings: Hydra's settings for the sweep.
        loader: where the YAML files are.
        arguments: the overrides of the command line.
        command: the command line in words, for the record.
    """
    folder = Path(settings.sweep.dir).absolute()
    values = columns(loader, arguments, settings)
    swept = [key for key, column in values.items() if len(column) > 1]
    jobs = 1
    for column in values.values():
        jobs *= len(column)
    Plan(command, swept, None if is_search(settings) else jobs).save(folder)
    return Prepared(folder, ["hydra.mode=MULTIRUN", f"hydra.sweep.dir={quoted(str(folder))}", *_environment()])


def _environment() -> list[str]:
    """Return where the data are for workers that were not started from this process."""
    where = os.environ.get("ZSL_DATA")
    return [] if where is None else [f"+hydra.job.env_set.ZSL_DATA={quoted(str(Path(where).absolute()))}"]
