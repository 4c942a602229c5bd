"""Expands a sweep into the runs it will start, all of which are checked before the first one is; so is a search."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence

from hydra.core.override_parser.types import IntervalSweep, Override
from omegaconf import DictConfig, OmegaConf

from zsl_runner.config.identity import VALIDATION_ROWS, lies_in
from zsl_runner.config.loader import Loader
from zsl_runner.config.overrides import parse
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.vocabulary import VALIDATING

LIMIT = 256
_NO_FILE = frozenset({"sqlite://", "sqlite:///", "sqlite:///:memory:"})
"""Storages in the memory of whoever opens them: what the sweeper writes there nobody else can read."""
_HERE = frozenset({"BasicLauncher", "JoblibLauncher", "LocalLauncher"})


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
    values = list(columns(loader, arguments, settings).values())
    count = 1
    for column in values:
        count *= len(column)
    if count <= limit:
        return [list(run) for run in itertools.product(*values)]
    first = [column[0] for column in values]
    single = [[*first[:i], value, *first[i + 1 :]] for i, column in enumerate(values) for value in column[1:]]
    return [first, *single]


def columns(loader: Loader, arguments: Sequence[str], settings: DictConfig | None) -> dict[str, list[str]]:
    """Return for each key the overrides a sweep tries, as Hydra's sweepers read them: the last word on a key counts."""
    return dict(_values(loader, argument) for argument in _given(arguments, settings))


def kinds(arguments: Sequence[str], settings: DictConfig | None) -> dict[str, str]:
    """Return how a search sweeps the keys for which `columns` does not tell it: "log" or "range".

    To Optuna these are not what a plain interval with the same ends or a choice with the same values is.
    """
    found = {}
    for override in map(parse, _given(arguments, settings)):
        if not isinstance(override, Problem):
            value = override.value()
            is_log = isinstance(value, IntervalSweep) and "log" in value.tags
            found[override.get_key_element()] = "log" if is_log else "range" if override.is_range_sweep() else ""
    return {key: kind for key, kind in found.items() if kind}


def searched(values: Mapping[str, Sequence[str]]) -> dict[str, Sequence[str]]:
    """Return the keys with several values and these, the keys as a configuration has them.

    >>> searched({"++model.latent_dim": ["++model.latent_dim=8", "++model.latent_dim=16"], "seed": ["seed=0"]})
    {'model.latent_dim': ['++model.latent_dim=8', '++model.latent_dim=16']}
    """
    return {key.lstrip("+"): column for key, column in values.items() if len(column) > 1}


def told(overrides: Sequence[str]) -> str:
    """Return the overrides of one run as a text that is the same before and after a sweeper has written them anew.

    >>> told(["seed=1", "outputs='a'", "hydra.mode=MULTIRUN"]) == told(["outputs='a'", "seed=1"])
    True
    """
    parsed = [override for override in map(parse, overrides) if not isinstance(override, Problem)]
    own = [override for override in parsed if not override.is_hydra_override()]
    return " ".join(
        sorted(f"{override.get_key_element().lstrip('+')}={override.get_value_element_as_str()}" for override in own)
    )


def starts_elsewhere(settings: DictConfig | None) -> bool:
    """Tell whether the launcher may start runs on other machines."""
    return settings is not None and _class_of(settings, "launcher") not in _HERE


def is_search(settings: DictConfig) -> bool:
    """Tell whether the sweeper decides as it goes which runs to start."""
    return _class_of(settings, "sweeper") != "BasicSweeper"


def single_values(override: Override) -> list[str]:
    """Return one argument for each value of a discrete sweep, such as ``key=1,2`` or ``key=range(1,3)``."""
    key = override.get_key_element()
    return [f"{key}={value}" for value in override.sweep_string_iterator()]


def _class_of(settings: DictConfig, part: str) -> str:
    return str(OmegaConf.select(settings, f"{part}._target_")).rpartition(".")[2]


def _given(arguments: Sequence[str], settings: DictConfig | None) -> list[str]:
    """Return what a sweeper reads, in its order: what a preset sweeps, then the command line."""
    params = (OmegaConf.select(settings, "sweeper.params") if settings is not None else None) or {}
    return [*(f"{key}={value}" for key, value in params.items()), *arguments]


def _values(loader: Loader, argument: str) -> tuple[str, list[str]]:
    """Return the key of an argument and the arguments of its single values."""
    override = parse(argument, loader)
    if isinstance(override, Problem):
        return argument, [argument]
    key = override.get_key_element()
    if not override.is_sweep_override():
        return key, [argument]
    if override.is_discrete_sweep():
        return key, single_values(override) or [argument]
    interval = override.value()
    assert isinstance(interval, IntervalSweep)
    return key, [f"{key}={interval.start}", f"{key}={interval.end}"]


def check_search(settings: DictConfig, values: Mapping[str, Sequence[str]], config: RunConfig) -> list[Problem]:
    """Return the problems of a search with one of its runs' configurations.

    Args:
        settings: Hydra's settings.
        values: what the sweep tries, by key.
        config: the first run's configuration.
    """
    problems = []
    tried = searched(values)
    if not tried:
        example = "'model.latent_dim=choice(8,16,32)' or 'trainer.optim.lr=tag(log,interval(1e-4,1e-2))'"
        problems.append(Problem("sweep", f"nothing to search: give at least one key several values, e.g. {example}"))
    if not set(config.evaluator.stages) & set(VALIDATING):
        stages = ", ".join(config.evaluator.stages)
        message = f"a search needs validation: one of the stages {', '.join(VALIDATING)}, found {stages}"
        problems.append(Problem("evaluator.stages", message))
    for key in VALIDATION_ROWS:
        if key in tried:
            message = "other rows would be validated on, whose values choose no settings: leave it out of the search"
            problems.append(Problem(key, message))
    for key, value in (OmegaConf.select(settings, "sweeper.params") or {}).items():
        fixed = parse(f"{key}={value}")
        if len(values.get(key, ())) > 1 and isinstance(fixed, Override) and not fixed.is_sweep_override():
            message = (
                f"hydra.sweeper.params fixes it at {value}, and Optuna would try nothing else: take it out of the "
                "preset, or give hydra.sweeper.params=null and the whole space"
            )
            problems.append(Problem(key, message))
    problems += _check_sweeper(settings)
    objectives = objectives_of(config)
    directions = directions_of(settings)
    key = "hydra.sweeper.direction"
    if len(directions) != len(objectives):
        expected = f"one direction for each of the objectives {', '.join(objectives)}"
        return [*problems, Problem(key, f"expected {expected}, found {', '.join(directions)}")]
    for name, direction in zip(objectives, directions, strict=True):
        quantity = config.evaluator.quantities.get(name.partition("/")[2])
        if quantity is not None and not quantity.ranked:
            problems.append(Problem("objectives", f"no value of {name} is better than another"))
            continue
        better = "minimize" if quantity is not None and quantity.lower_is_better else "maximize"
        if direction != better:
            message = (
                f"of {name} the {'smaller' if better == 'minimize' else 'larger'} value is better: expected {better}"
            )
            problems.append(Problem(key, f"{message}, found {direction}"))
    return problems


def _check_sweeper(settings: DictConfig) -> list[Problem]:
    """Return the problems of the sweeper's own numbers and of its storage, which Optuna meets only on the way."""
    problems = []
    for name in ("n_jobs", "n_trials"):
        number = OmegaConf.select(settings, f"sweeper.{name}")
        if number is not None and number < 1:
            problems.append(Problem(f"hydra.sweeper.{name}", f"expected at least 1, found {number}"))
    rate = OmegaConf.select(settings, "sweeper.max_failure_rate")
    if rate not in (None, 1.0):
        message = f"has no effect, since a search goes on after a trial that failed: set it to 1, found {rate}"
        problems.append(Problem("hydra.sweeper.max_failure_rate", message))
    storage = OmegaConf.select(settings, "sweeper.storage")
    if storage in _NO_FILE:
        problems.append(Problem("hydra.sweeper.storage", f"expected sqlite:///FILE or null, found {storage}"))
    return problems


def measure_alike(values: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether all trials of a search measure the same metrics, whatever these are.

    That is certain enough where nothing but seeds and positive numbers of model and trainer are tried: they tell how
    much there is of a part, while a word, a group or a zero may tell whether there is one.

    Args:
        values: what the search tries, by key.

    >>> measure_alike({"model.latent_dim": ["model.latent_dim=8", "model.latent_dim=16"], "dataset": ["dataset=toy"]})
    True
    >>> measure_alike({"trainer.alpha": ["trainer.alpha=0", "trainer.alpha=1"]})
    False
    """
    return all(
        lies_in(key, "model", "trainer") and all(_is_positive(argument.partition("=")[2]) for argument in column)
        for key, column in searched(values).items()
        if key != "seed"
    )


def _is_positive(text: str) -> bool:
    try:
        return float(text) > 0
    except ValueError:
        return False


def objectives_of(config: RunConfig) -> list[str]:
    """Return the metrics that a search optimises: those given, or else the one that runs are selected by."""
    return list(config.objectives) or [config.evaluator.select_metric]


def directions_of(settings: DictConfig) -> list[str]:
    """Return "maximize" or "minimize" for each objective of a search, as Hydra's settings have them."""
    given = OmegaConf.select(settings, "sweeper.direction")
    entries = list(given) if OmegaConf.is_list(given) else [given]
    return [str(getattr(entry, "name", entry)) for entry in entries]
