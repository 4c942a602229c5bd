"""Decides what a sweep needs before Hydra starts it: its folder, its plan, what its jobs take from this process."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from omegaconf import DictConfig, OmegaConf

from zsl_runner.config.hashes import fingerprint
from zsl_runner.config.loader import Loader
from zsl_runner.config.quoting import quoted
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.sweep import columns, directions_of, is_search, kinds, measure_alike, objectives_of, searched
from zsl_runner.runs.directory import made
from zsl_runner.sweeps import study
from zsl_runner.sweeps.notes import Plan


@dataclass(frozen=True)
class Prepared:
    """A sweep that may start.

    Attributes:
        folder: where its jobs write their notes.
        settings: overrides of Hydra's own configuration.
        message: what is to be said before it starts.
        study: name and storage of the study it works on, if it is a search that keeps one.
    """

    folder: Path
    settings: list[str]
    message: str = ""
    study: tuple[str, str] | None = None


@contextmanager
def prepared(
    settings: DictConfig, loader: Loader, arguments: Sequence[str], runs: Mapping[str, RunConfig], command: str
) -> Iterator[Prepared]:
    """Write the plan of a sweep, and hold its study while it goes on.

    Args:
        settings: Hydra's settings for the sweep.
        loader: where the YAML files are.
        arguments: the overrides of the command line.
        runs: the configurations of its runs that were checked, by their overrides (`told`); the first one first.
        command: the command line in words, for the record.

    Raises:
        ConfigError: another process is searching in the same study, another version of Optuna keeps it, or it optimises
            something else; or the sweep's folder cannot be made.
    """
    folder, outputs = Path(settings.sweep.dir).absolute(), Path(next(iter(runs.values())).outputs).absolute()
    made(folder, "outputs" if folder.is_relative_to(outputs) else "hydra.sweep.dir")
    values = columns(loader, arguments, settings)
    swept = list(searched(values))
    decided = ["hydra.mode=MULTIRUN", f"hydra.sweep.dir={quoted(str(folder))}", *_environment()]
    if not is_search(settings):
        jobs = 1
        for column in values.values():
            jobs *= len(column)
        checked = {overrides: fingerprint(asdict(config)) for overrides, config in runs.items()}
        Plan(command, swept, jobs, checked, process=os.getpid()).save(folder)
        yield Prepared(folder, decided)
        return
    if settings.sweeper.study_name is None:
        name = study.name_of(settings, values, next(iter(runs.values())), kinds(arguments, settings))
        settings.sweeper.study_name = name  # the storage may be named after it
        decided.append(f"hydra.sweeper.study_name={quoted(name)}")
    storage = settings.sweeper.storage
    file = study.file_of(storage)
    name, alike = settings.sweeper.study_name, measure_alike(values)
    Plan(command, swept, study=name, alike=alike, process=os.getpid()).save(folder)
    if file is None:
        yield Prepared(folder, decided, study=storage and (name, storage))
        return
    with study.alone_with(file):
        first, wanted = next(iter(runs.values())), settings.sweeper.n_trials
        retries = first.existing == "retry"
        left = study.go_on(name, file, wanted, objectives_of(first), directions_of(settings), retries)
        decided.append(f"hydra.sweeper.n_trials={left.trials}")
        seed = OmegaConf.select(settings, "sweeper.sampler.seed")
        if seed is not None and left.before:  # the same seed again would draw the first trials once more
            decided.append(f"hydra.sweeper.sampler.seed={seed + left.before}")
        yield Prepared(folder, decided, left.message, (name, storage))


def _environment() -> list[str]:
    """Return where data and caches are, for workers that were not started from this process."""
    given = {name: os.environ[name] for name in ("ZSL_DATA", "ZSL_CACHE") if os.environ.get(name)}
    return [f"++hydra.job.env_set.{name}={quoted(str(Path(place).absolute()))}" for name, place in given.items()]
