"""The configuration a run has saved, with changes from a command line."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from hydra.core.override_parser.types import Override

from zsl_runner.config.compose import Composition, Layer, command_line, parse
from zsl_runner.config.problems import Origin, Problem
from zsl_runner.config.saved import CONFIG_FILE, read_saved


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
