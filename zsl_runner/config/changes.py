"""The configuration a run has saved, with changes from a command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hydra.core.override_parser.types import Override

from zsl_runner.config.compose import COMPOSED_GROUPS, Composition, Layer, command_line
from zsl_runner.config.overrides import parse
from zsl_runner.config.problems import Origin, Problem
from zsl_runner.config.quoting import anew
from zsl_runner.config.saved import CONFIG_FILE, read_saved


def in_a_new_run(directory: Path, override: Override) -> str:
    """Return how a new run has a change that is refused: the command, where a saved configuration takes the change."""
    if override.key_or_group == "sweep":
        return f"for new runs give what it varies, as in:\n  {anew(directory, '-m', 'seed=range(0,5)')}"
    chooses = override.key_or_group in COMPOSED_GROUPS and not isinstance(override.value(), dict)
    if chooses or override.is_delete() or (override.is_sweep_override() and not override.is_discrete_sweep()):
        return f"for a new run begin with the command that is in {directory / 'result.json'}"
    several = ("-m",) if override.is_sweep_override() else ()
    return f"for a new run:\n  {anew(directory, *several, str(override.input_line))}"


def compose_changed(
    directory: Path,
    arguments: Sequence[str],
    may_change: Callable[[Override], bool],
    refused: Callable[[Override, Path], Problem],
) -> Composition:
    """Return the saved configuration of a run and the changes to it that are allowed.

    Args:
        directory: the run's directory.
        arguments: what is to be changed, as on the command line of a run.
        may_change: tells whether a change is allowed.
        refused: says why one is not, given the directory, too.

    Raises:
        CheckpointError: there is no run, or its configuration cannot be read.
    """
    saved = Layer(read_saved(directory), Origin(file=directory.resolve() / CONFIG_FILE))
    composition = Composition(layers=[saved])
    overrides = []
    for argument in arguments:
        override = parse(argument)
        if isinstance(override, Problem):
            composition.problems.append(override)
        elif override.is_sweep_override():
            several = "several values where one is expected; a list is written key=[a,b]"
            composition.problems.append(Problem(override.key_or_group, several))
        elif may_change(override):
            overrides.append(override)
        else:
            composition.problems.append(refused(override, directory))
    composition.layers += command_line(overrides)
    return composition
