"""What a resumed run takes from its directory, and the few things that may be changed about it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.types import Override

from zsl_runner.config.changes import compose_changed, in_a_new_run
from zsl_runner.config.compose import Composition
from zsl_runner.config.overrides import parse
from zsl_runner.config.problems import Problem
from zsl_runner.config.quoting import meant
from zsl_runner.config.sweep import single_values
from zsl_runner.errors import RunError
from zsl_runner.files.folders import expanded

SINGLE = (
    "task",
    "resume",
    "dataset.root",  # checksums prove that the data are the same
    "dataset.cache",
    "runtime.device",
    "runtime.threads",
    "evaluator.batch_size",
)
BLOCKS = ("tracker", "checkpoint")
_LISTED = "dataset.root, dataset.cache, runtime.device, runtime.threads, evaluator.batch_size, tracker.*, checkpoint.*"


def resumed(arguments: Sequence[str]) -> Path | None:
    """Return the directory that ``resume=`` names in ``arguments``; None if nothing is resumed."""
    directory = None
    for argument in arguments:
        override = parse(argument)
        if isinstance(override, Override) and override.key_or_group == "resume" and not override.is_sweep_override():
            value = override.value()
            directory = None if value is None else expanded(meant(value))  # ./~x stays
    return directory


def as_composed(arguments: Sequence[str]) -> list[str]:
    """Return arguments as Hydra's own composition takes them.

    Where a run is resumed, that is of another run, which need not have what is said of this one: each key is marked so
    that Hydra takes it all the same, for it is judged by the run's own configuration.
    """
    if not any(map(_resumes, arguments)):
        return list(arguments)
    return [
        argument if argument.lstrip("+~").startswith("hydra") else f"++{argument.lstrip('+')}" for argument in arguments
    ]


def _resumes(argument: str) -> bool:
    """Tell whether an argument names a run to be continued, or several of a sweep."""
    override = parse(argument)
    if not isinstance(override, Override) or override.key_or_group != "resume":
        return False
    return override.is_sweep_override() or override.value() is not None


def compose_resumed(directory: Path, arguments: Sequence[str]) -> Composition:
    """Return the saved configuration of a run and the harmless changes to it; refuse the others by name."""
    try:
        return compose_changed(directory, arguments, _is_harmless, _refused)
    except RunError as error:
        return Composition(problems=[Problem("resume", str(error))])


def refused_of_all(arguments: Sequence[str]) -> list[tuple[str, Problem]]:
    """Return each argument of a sweep over a resumed run that no job may have, and why; none if nothing is resumed."""
    directory = resumed(arguments)
    if directory is None:
        return []
    parsed = [(argument, parse(argument)) for argument in arguments]
    return [
        (argument, _refused(override, directory))
        for argument, override in parsed
        if isinstance(override, Override) and not all(map(_is_harmless, _each(override)))
    ]


def _each(override: Override) -> list[Override]:
    """Return an override for each value of a sweep; what stands for no single values, or for one, as it is."""
    if not override.is_discrete_sweep():
        return [override]
    parsed = [parse(argument) for argument in single_values(override)]
    return [single for single in parsed if isinstance(single, Override)]


def _is_harmless(override: Override) -> bool:
    key = override.key_or_group
    is_inside = key.startswith(tuple(f"{free}." for free in (*SINGLE, *BLOCKS)))
    is_block = key in BLOCKS and isinstance(override.value(), dict)  # tracker=minimal would choose a file
    return override.is_hydra_override() or key in SINGLE or is_inside or is_block


def _refused(override: Override, directory: Path) -> Problem:
    return Problem(
        override.key_or_group,
        "cannot be changed while a run is resumed: the result would be neither the old run's nor a new one's\n"
        f"may be changed: {_LISTED}\n" + in_a_new_run(directory, override),
        f"command line: {override.input_line}",
    )
