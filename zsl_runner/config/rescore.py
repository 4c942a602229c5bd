"""Other settings of a run's own evaluator, under which its trained model is scored."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from hydra.core.override_parser.types import Override

from zsl_runner.config import fit
from zsl_runner.config.changes import compose_changed, in_a_new_run
from zsl_runner.config.draft import Draft
from zsl_runner.config.overrides import parse
from zsl_runner.config.problems import Problem, numbered, without_effect
from zsl_runner.config.schema import EvaluatorConf
from zsl_runner.config.sweep import single_values
from zsl_runner.errors import ConfigError

_OF_TRAINING = ("kind", "name", "stages", "select", "select_metric", "every", "patience")
"""Options of every evaluator that say when it measures and what its numbers decide."""


class Rescoring(NamedTuple):
    """An evaluator with other values of its options.

    Attributes:
        evaluator: its options.
        without_effect: a line for each setting that changes nothing.
    """

    evaluator: EvaluatorConf
    without_effect: list[str]


def rescored(directory: Path, settings: Sequence[str]) -> dict[tuple[str, ...], Rescoring]:
    """Return the evaluator of the run in ``directory`` with other values of its options.

    Args:
        directory: the run's directory.
        settings: ``evaluator.KEY=VALUE`` or ``evaluator.KEY=VALUE,VALUE`` as on the command line of a run.

    Returns:
        The evaluator under each combination of single values, as in a sweep.

    Raises:
        CheckpointError: there is no run, or its configuration cannot be read.
        ConfigError: some settings cannot be changed, are unknown, or have values that do not fit; all are told at once.
    """
    evaluators, problems = {}, []
    for combination in itertools.product(*map(_values, settings)):
        given = {setting.partition("=")[0] for setting in combination}
        composition = compose_changed(directory, combination, _is_of_scoring, _refused)
        draft = Draft(composition)
        fit.check_parts(draft, None)
        fit.check_components(draft)
        fit.check_fit(draft)
        problems += composition.problems + draft.problems
        if config := None if composition.problems or draft.problems else draft.build():
            fit.look_for_idle(draft, config)
            for key in getattr(config.evaluator, "of_the_test", ()):
                draft.tell(f"evaluator.{key}", "validation rows, of which these scores are")
            found = {idle.key: idle for idle in reversed(draft.idle) if idle.key in given}
            evaluators[combination] = Rescoring(config.evaluator, without_effect([[*found.values()]]))
    if problems:
        raise ConfigError(numbered(tuple(dict.fromkeys(problems)), "nothing was scored."))
    return evaluators


def _values(setting: str) -> list[str]:
    override = parse(setting)
    if isinstance(override, Problem) or not override.is_discrete_sweep():
        return [setting]
    return single_values(override)


def _is_of_scoring(override: Override) -> bool:
    group, _, key = override.key_or_group.partition(".")
    return group == "evaluator" and key not in ("", "oracle", *_OF_TRAINING)


def _refused(override: Override, directory: Path) -> Problem:
    group, _, key = override.key_or_group.partition(".")
    if group == "evaluator" and not key:
        message = "stays the run's own; settings below it may be changed: evaluator.KEY=VALUE"
    elif group == "evaluator" and key == "oracle":
        message = "looks at test rows; other settings are scored on validation rows alone"
    else:
        message = f"says how a run is trained, not how it is scored\n{in_a_new_run(directory, override)}"
    return Problem(override.key_or_group, message, f"command line: {override.input_line}")
