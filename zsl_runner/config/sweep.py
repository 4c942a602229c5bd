"""Expands a sweep into the runs it will start, so that all of them are checked before the first one is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from hydra.core.override_parser.types import IntervalSweep
from omegaconf import DictConfig, OmegaConf

from zsl_runner.config.compose import parse
from zsl_runner.config.loader import Loader
from zsl_runner.config.problems import Problem

LIMIT = 256
_HERE = frozenset({"basic", "joblib", "submitit_local"})


def expand(
    loader: Loader, arguments: Sequence[str], settings: DictConfig | None, limit: int = LIMIT
) -> list[list[str]]:
    """Return the command-line overrides of the runs of a sweep.

    Continuous intervals are represented by their ends. Beyond ``limit`` combinations every single value is still
    tried once, each beside the first values of the other keys.

    Args:
        loader: where the YAML files are (``glob`` sweeps look there).
        arguments: the command line of the sweep.
        settings: Hydra's settings, whose ``sweeper.params`` are swept too.
        limit: most combinations to return.
    """
    params = (OmegaConf.select(settings, "sweeper.params") if settings is not None else None) or {}
    columns = [_values(loader, argument) for argument in [*(f"{k}={v}" for k, v in params.items()), *arguments]]
    count = 1
    for column in columns:
        count *= len(column)
    if count <= limit:
        return [list(run) for run in itertools.product(*columns)]
    first = [column[0] for column in columns]
    single = [[*first[:i], value, *first[i + 1 :]] for i, column in enumerate(columns) for value in column[1:]]
    return [first, *single]


def starts_elsewhere(settings: DictConfig | None) -> bool:
    """Tell whether the launcher may start runs on other machines."""
    return settings is not None and OmegaConf.select(settings, "runtime.choices")["hydra/launcher"] not in _HERE


def _values(loader: Loader, argument: str) -> list[str]:
    override = parse(argument, loader)
    if isinstance(override, Problem) or not override.is_sweep_override():
        return [argument]
    key = override.get_key_element()
    if override.is_discrete_sweep():
        return [f"{key}={value}" for value in override.sweep_string_iterator()] or [argument]
    interval = override.value()
    assert isinstance(interval, IntervalSweep)
    return [f"{key}={interval.start}", f"{key}={interval.end}"]
