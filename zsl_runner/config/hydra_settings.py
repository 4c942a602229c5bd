"""Which of Hydra's own settings a user may give. The others would do nothing, or scatter files: they are refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from zsl_runner.config.identity import lies_in
from zsl_runner.config.overrides import parse
from zsl_runner.config.problems import Problem

OBEYED = (
    "hydra.callbacks",
    "hydra.help",
    "hydra.hydra_help",
    "hydra.hydra_logging",
    "hydra.job.env_copy",
    "hydra.job.env_set",
    "hydra.job_logging",
    "hydra.launcher",
    "hydra.mode",
    "hydra.searchpath",
    "hydra.sweep.dir",
    "hydra.sweeper",
    "hydra.verbose",
)
"""Settings, and those below them, that do what Hydra says they do."""

_PLACE = "a run makes its own directory below outputs: choose that with outputs=DIR, and its last part with name=NAME"
_ITSELF = "Hydra sets it itself"
REFUSED = {
    "hydra.aliases": "keys are given by their full names",
    "hydra.defaults": "a defaults list stands in a file",
    "hydra.job.chdir": f"a run stays in the folder it is started in, where relative paths keep their meaning; {_PLACE}",
    "hydra.job.config": "no directory is named after it; choose the last part of a run's directory with name=NAME",
    "hydra.job.config_name": "choose the primary file with --config-name NAME",
    "hydra.job.id": _ITSELF,
    "hydra.job.name": "name a run with name=NAME, and a Slurm job with hydra.launcher.name=NAME",
    "hydra.job.num": _ITSELF,
    "hydra.job.override_dirname": _ITSELF,
    "hydra.output_subdir": "Hydra writes nothing: config.yaml in a run's directory is its whole configuration",
    "hydra.overrides": _ITSELF,
    "hydra.run": _PLACE,
    "hydra.runtime": _ITSELF,
    "hydra.sweep.subdir": _PLACE,
}
"""Settings, and those below them, that are refused: what to use instead."""

_IN_FILES: dict[str, Any] = {
    "aliases": {},
    "run.dir": "${outputs}",
    "sweep.subdir": ".",
    "job.chdir": None,
    "output_subdir": None,
    "job.name": "zsl-run",
}
"""What the refused ones that a file could set must be."""


_SWEEPS = ("hydra.launcher", "hydra.sweep", "hydra.sweeper", "hydra/launcher", "hydra/sweeper")
"""Settings, and those below them, that a single run has no use for."""


def check_given(arguments: Sequence[str], alone: bool = False) -> Iterable[Problem]:
    """Yield a problem about each refused setting on the command line.

    Args:
        arguments: overrides of one run.
        alone: the run is no part of a sweep.
    """
    for argument in arguments:
        override = parse(argument)
        if isinstance(override, Override) and override.is_hydra_override():
            remedy = remedy_for(override.key_or_group)
            if remedy is not None and not _changes_nothing(override):
                yield Problem(override.key_or_group, f"is not obeyed: {remedy}", f"command line: {argument}")
            elif alone and remedy is None and f"{override.key_or_group}.".startswith(tuple(f"{s}." for s in _SWEEPS)):
                message = "is not obeyed: it belongs to a sweep, and this is a single run; add -m"
                yield Problem(override.key_or_group, message, f"command line: {argument}")


def check_composed(config: DictConfig, arguments: Sequence[str]) -> Iterable[Problem]:
    """Yield a problem about each refused setting that a file changes, and each that refers to nothing.

    Args:
        config: the composed configuration with Hydra's settings.
        arguments: overrides of one run.
    """
    for argument in arguments:
        override = parse(argument)
        if isinstance(override, Override) and override.is_hydra_override() and "${" in argument:
            try:
                OmegaConf.select(config, override.key_or_group)
            except OmegaConfBaseException as error:
                yield Problem(override.key_or_group, str(error).splitlines()[0], f"command line: {argument}")
    settings: Any = OmegaConf.to_container(config.hydra, resolve=False)
    for key, usual in _IN_FILES.items():
        value = settings
        for part in key.split("."):
            value = value.get(part, usual)  # Hydra 1.3 has no aliases
        if value != usual and value is not False:
            yield Problem(f"hydra.{key}", f"a file sets it to {value!r}: {remedy_for(f'hydra.{key}')}")


def remedy_for(key: str) -> str | None:
    """Return what to use instead of a refused setting; None for any other.

    >>> remedy_for("hydra.runtime.cwd"), remedy_for("hydra.verbose")
    ('Hydra sets it itself', None)
    """
    return next((remedy for place, remedy in REFUSED.items() if lies_in(key, place)), None)


def _changes_nothing(override: Override) -> bool:
    """Tell whether a setting is given the value that it has anyway."""
    usual = {"hydra.job.chdir": (None, False), "hydra.output_subdir": (None,), "hydra.sweep.subdir": (".",)}
    given = usual.get(override.key_or_group)
    return given is not None and not override.is_sweep_override() and override.value() in given
