"""What a resumed run takes from its directory, and the few things that may be changed about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from zsl_runner.config.bounds import check_file
from zsl_runner.config.compose import Composition, Layer, command_line, parse
from zsl_runner.config.paths import expanded
from zsl_runner.config.problems import Origin, Problem
from zsl_runner.config.quoting import line, meant
from zsl_runner.errors import CheckpointError, RunError
from zsl_runner.run_directory import CONFIG_FILE, open_existing, restoring

HARMLESS = ("task", "resume", "runtime.device", "runtime.threads", "evaluator.batch_size", "tracker", "checkpoint")
_LISTED = "runtime.device, runtime.threads, evaluator.batch_size, tracker.*, checkpoint.*"


def resumed(arguments: Sequence[str]) -> Path | None:
    """Return the directory that ``resume=`` names in ``arguments``; None if nothing is resumed."""
    directory = None
    for argument in arguments:
        override = parse(argument)
        if isinstance(override, Override) and override.key_or_group == "resume" and not override.is_sweep_override():
            value = override.value()
            directory = None if value is None else expanded(meant(value))  # ./~x stays
    return directory


def compose_resumed(directory: Path, arguments: Sequence[str]) -> Composition:
    """Return the saved configuration of a run and the harmless changes to it; refuse the others by name."""
    composition = Composition()
    try:
        values = read_saved(directory)
    except RunError as error:
        return Composition(problems=[Problem("resume", str(error))])
    composition.layers.append(Layer(values, Origin(file=directory.resolve() / CONFIG_FILE)))
    overrides = []
    for argument in arguments:
        override = parse(argument)
        if isinstance(override, Problem):
            composition.problems.append(override)
        elif override.is_sweep_override():
            composition.problems.append(Problem(override.key_or_group, "several values: add -m, or write key=[a,b]"))
        elif _is_harmless(override):
            overrides.append(override)
        else:
            composition.problems.append(_refused(override, directory))
    composition.layers += command_line(overrides)
    return composition


def read_saved(directory: Path) -> dict[str, Any]:
    """Return the configuration in a run's directory.

    Raises:
        CheckpointError: there is no run, or its configuration cannot be read.
    """
    file = open_existing(directory) / CONFIG_FILE
    try:
        check_file(file)
        values = OmegaConf.to_container(OmegaConf.load(file), resolve=False)
    except (OSError, ValueError, YAMLError, OmegaConfBaseException, RunError, RecursionError, AssertionError) as error:
        raise CheckpointError(f"{file} cannot be read: {error}{restoring(directory)}") from error
    if not isinstance(values, dict) or not values:
        found = "a list" if isinstance(values, list) else "nothing" if not values else repr(values)[:40]
        raise CheckpointError(f"{file}: expected keys and values, found {found}{restoring(directory)}")
    return {str(key): value for key, value in values.items()}


def _is_harmless(override: Override) -> bool:
    key = override.key_or_group
    is_inside = any(key.startswith(f"{free}.") for free in HARMLESS)
    return override.is_hydra_override() or key in ("task", "resume") or key in HARMLESS[2:5] or is_inside


def _refused(override: Override, directory: Path) -> Problem:
    key, where = override.key_or_group, str(directory.resolve())
    anew = line("zsl-run", "--config-path", where, "--config-name", "config", str(override.input_line))
    return Problem(
        key,
        "cannot be changed while a run is resumed: the result would be neither the old run's nor a new one's\n"
        f"may be changed: {_LISTED}\n"
        f"for a new run: {anew}",
        f"command line: {override.input_line}",
    )
