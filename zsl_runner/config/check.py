"""The preflight check: every problem of a configuration at once, before torch is imported or a file is written."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from zsl_runner.config import fit, hydra_settings
from zsl_runner.config.compose import compose
from zsl_runner.config.draft import Draft
from zsl_runner.config.gpus import cuda_devices
from zsl_runner.config.loader import Loader
from zsl_runner.config.problems import Idle, Problem, report
from zsl_runner.config.resume import as_composed, compose_resumed, resumed
from zsl_runner.config.schema import RunConfig
from zsl_runner.errors import ConfigError


@dataclass(frozen=True)
class Verdict:
    """What the check found.

    Attributes:
        problems: all of them; empty if the run may start.
        config: the typed configuration if there are none.
        resumes: the directory of the run to be continued.
        idle: options that the command line gives and that do nothing.
    """

    problems: tuple[Problem, ...]
    config: RunConfig | None = None
    resumes: Path | None = None
    idle: tuple[Idle, ...] = ()

    def accepted(self) -> RunConfig:
        """Return the configuration.

        Raises:
            ConfigError: there are problems, all of which it tells.
        """
        if self.config is None:
            raise ConfigError(report(self.problems))
        return self.config


def check(
    loader: Loader,
    arguments: Sequence[str],
    *,
    settings: Sequence[str] = (),
    count_devices: Callable[[], int] = cuda_devices,
    elsewhere: bool = False,
    strictly: bool = True,
    alone: bool = True,
) -> Verdict:
    """Check one run.

    Args:
        loader: where the YAML files are.
        arguments: command-line overrides of this run.
        settings: Hydra's own settings that are ours, before those of the command line.
        count_devices: tells how many CUDA devices there are.
        elsewhere: the run will start on another machine, so devices here say nothing.
        strictly: also compose as Hydra does, for the run to start from; in a sweep that is done for the first run, and
            each job composes its own.
        alone: the run is no part of a sweep, so nothing in its files may ask for one.
    """
    directory = resumed(arguments)
    composition = compose(loader, arguments) if directory is None else compose_resumed(directory, arguments)
    if not composition.layers:  # nothing could be composed at all
        return Verdict(tuple(composition.problems))
    draft = Draft(composition)
    fit.check_parts(draft, loader if composition.typed else None)
    fit.check_components(draft)
    fit.check_fit(draft)
    fit.check_selection(draft)
    fit.check_debug(draft)
    fit.check_figures(draft)
    fit.check_cadence(draft)
    fit.check_files(draft)
    fit.check_labels(draft)
    fit.check_objectives(draft)
    fit.check_outputs(draft, directory)
    if not elsewhere:
        fit.check_device(draft, count_devices)
    problems = composition.problems + list(hydra_settings.check_given(arguments, alone)) + draft.problems
    if not problems and strictly:
        composed = loader.strictly([*settings, *as_composed(arguments)], alone)
        if isinstance(composed, str):
            problems.append(_refused_by_hydra(composed, arguments))
        elif directory is None:  # a resumed run has a place, and is no file's to give another
            problems += hydra_settings.check_composed(composed, arguments)
    config = None if problems else draft.build()
    if config is not None:
        fit.look_for_idle(draft, config)
        if alone:
            draft.tell("objectives", "a single run, which searches nothing")
    return Verdict(tuple(dict.fromkeys(problems)), config, directory, tuple(dict.fromkeys(draft.idle)))


def _refused_by_hydra(message: str, arguments: Sequence[str]) -> Problem:
    """Return what Hydra refuses; of a ``+`` before an option that is there, in the words that a group has."""
    added = re.search(r"An item is already at '([^']+)'", message)
    given = [argument for argument in arguments if added is not None and argument.startswith(f"+{added[1]}=")]
    if added is None or not given:
        return Problem("configuration", message)
    remedy = f"is already part of the configuration: write {given[0][1:]}"
    return Problem(added[1], remedy, f"command line: {given[0]}")


def summary(config: RunConfig) -> str:
    """Return in a few lines what would run."""
    lengths = [f"{key} {value}" for key, value in _lengths(asdict(config.trainer), "")]
    device = config.runtime.device
    if device == "auto":
        device = "auto (cuda)" if cuda_devices() else "auto (cpu)"
    lines = [
        f"model      {config.model.name} ({config.model.kind})",
        f"dataset    {config.dataset.name} ({config.dataset.kind})",
        f"trainer    {config.trainer.name} ({config.trainer.kind})" + (": " + ", ".join(lengths) if lengths else ""),
        f"evaluator  {config.evaluator.name} ({config.evaluator.kind}): stages {', '.join(config.evaluator.stages)}",
        f"runtime    {device}, {config.runtime.precision}, {config.runtime.threads or 'all'} threads",
        f"outputs    {config.outputs}/{config.model.name}/{config.dataset.name}, seed {config.seed}",
    ]
    for file in config.dataset.required_files():
        size = Path(file.path).stat().st_size
        checksum = "sha256 matches" if file.sha256 else "no checksum configured"
        lines.append(f"file       {file.path}, {size / 1e6:.1f} MB, {checksum}")
    return "\n".join(lines)


def _lengths(values: Mapping[str, Any], prefix: str) -> Iterable[tuple[str, int]]:
    """Yield the options of a trainer that say how long it trains."""
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _lengths(value, f"{prefix}{name}.")
        elif name.endswith(("steps", "iterations", "epochs")):
            yield f"{prefix}{name}", value
