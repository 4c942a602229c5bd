"""Checks what a search needs beyond the runs it will start: something to vary, and objectives it may look at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omegaconf import DictConfig, OmegaConf

from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.vocabulary import VALIDATING


def check_search(settings: DictConfig, values: Mapping[str, Sequence[str]], config: RunConfig) -> list[Problem]:
    """Return the problems of a search with one of its runs' configurations.

    Args:
        settings: Hydra's settings.
        values: what the sweep tries, by key.
        config: the first run's configuration.
    """
    problems = []
    if all(len(column) == 1 for column in values.values()):
        example = "'model.latent_dim=choice(8,16,32)' or 'trainer.optim.lr=tag(log,interval(1e-4,1e-2))'"
        problems.append(Problem("sweep", f"nothing to search: give at least one key several values, e.g. {example}"))
    if not set(config.evaluator.stages) & set(VALIDATING):
        stages = ", ".join(config.evaluator.stages)
        message = f"a search needs validation: one of the stages {', '.join(VALIDATING)}, found {stages}"
        problems.append(Problem("evaluator.stages", message))
    objectives = objectives_of(config)
    directions = directions_of(settings)
    key = "hydra.sweeper.direction"
    if len(directions) != len(objectives):
        expected = f"one direction for each of the objectives {', '.join(objectives)}"
        return [*problems, Problem(key, f"expected {expected}, found {', '.join(directions)}")]
    for name, direction in zip(objectives, directions, strict=True):
        quantity = config.evaluator.quantities.get(name.partition("/")[2])
        better = "minimize" if quantity is not None and quantity.lower_is_better else "maximize"
        if direction != better:
            message = (
                f"of {name} the {'smaller' if better == 'minimize' else 'larger'} value is better: expected {better}"
            )
            problems.append(Problem(key, f"{message}, found {direction}"))
    return problems


def objectives_of(config: RunConfig) -> list[str]:
    """Return the metrics that a search optimises: those given, or else the one that runs are selected by."""
    return list(config.objectives) or [config.evaluator.select_metric]


def directions_of(settings: DictConfig) -> list[str]:
    """Return "maximize" or "minimize" for each objective of a search, as Hydra's settings have them."""
    given = OmegaConf.select(settings, "sweeper.direction")
    entries = list(given) if OmegaConf.is_list(given) else [given]
    return [str(getattr(entry, "name", entry)) for entry in entries]
