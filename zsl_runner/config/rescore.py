"""Other settings of a run's own evaluator, to score its trained model with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hydra.core.override_parser.types import Override

from zsl_runner.config import fit
from zsl_runner.config.changes import compose_changed
from zsl_runner.config.draft import Draft
from zsl_runner.config.problems import Problem, numbered
from zsl_runner.config.quoting import line
from zsl_runner.config.schema import EvaluatorConf
from zsl_runner.errors import ConfigError

_OF_TRAINING = ("kind", "name", "stages", "select", "select_metric", "every", "patience")
"""Options of every evaluator that say when it measures and what its numbers decide."""


def rescored(directory: Path, settings: Sequence[str]) -> EvaluatorConf:
    """Return the evaluator of the run in ``directory`` with other values of its options.

    Args:
        directory: the run's directory.
        settings: ``evaluator.KEY=VALUE`` as on the command line of a run.

    Raises:
        CheckpointError: there is no run, or its configuration cannot be read.
        ConfigError: some settings cannot be changed, are unknown, or have values that do not fit; all are told at once.
    """
    composition = compose_changed(directory, settings, _is_of_scoring, _refused)
    draft = Draft(composition)
    fit.check_parts(draft, None)
    fit.check_components(draft)
    fit.check_fit(draft)
    problems = tuple(dict.fromkeys(composition.problems + draft.problems))
    if problems:
        raise ConfigError(numbered(problems, "nothing was scored."))
    evaluator = draft.build("evaluator")
    assert isinstance(evaluator, EvaluatorConf)
    return evaluator


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
        anew = line(
            "zsl-run", "--config-path", str(directory.resolve()), "--config-name", "config", str(override.input_line)
        )
        message = f"says how a run is trained, not how it is scored\nfor a new run:\n  {anew}"
    return Problem(override.key_or_group, message, f"command line: {override.input_line}")
