"""Opens a run from its directory: its newest checkpoint, data and evaluator, ready to use from Python."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf

from zsl_runner.config.quoting import again
from zsl_runner.config.registry import resolve
from zsl_runner.config.saved import CONFIG_FILE, open_existing, read_saved, restoring
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.typed import typed
from zsl_runner.data.load import cut_folds
from zsl_runner.data.stages import AnyFold
from zsl_runner.errors import CheckpointError, ConfigError
from zsl_runner.evaluation.base import Evaluator
from zsl_runner.models.base import Model
from zsl_runner.runs.reopen import reopen
from zsl_runner.runs.stage import StagePlan
from zsl_runner.runs.state import chosen, records
from zsl_runner.training.build import build_stage
from zsl_runner.training.runtime import Runtime


@dataclass(frozen=True)
class TrainedRun:
    """A run as its newest checkpoint left it.

    Attributes:
        directory: the run's directory.
        config: its configuration.
        model: the networks with the checkpoint's weights.
        fold: what the stage trained on, and the rows to score: those of the test split if the run has read it.
        evaluator: the run's evaluator.
        choices: what the evaluator chose on validation data, for scoring the test rows.
        step: global step of the checkpoint.
        stage: name of the stage.
        steps_done: steps done in that stage.
        complete: whether the stage is finished.
        data: what the data are, as in a run's record.
    """

    directory: Path
    config: RunConfig
    model: Model
    fold: AnyFold
    evaluator: Evaluator
    choices: Mapping[str, float]
    step: int
    stage: str
    steps_done: int
    complete: bool
    data: dict[str, Any]


def open_run(directory: Path, device: str = "auto", batch_size: int | None = None) -> TrainedRun:
    """Return the run in ``directory``.

    Args:
        directory: the run's directory.
        device: where to put model and data.
        batch_size: rows scored at a time; None takes the run's.

    Raises:
        RunError: the run, its checkpoints or its data cannot be used, or are not those it began with.
    """
    directory = open_existing(directory)
    try:
        config = typed(OmegaConf.create(read_saved(directory)))
    except ConfigError as error:
        raise CheckpointError(f"{directory / CONFIG_FILE}: {error}{restoring(directory)}") from error
    config.runtime.device = device
    if batch_size is not None:
        config.evaluator.batch_size = batch_size
    runtime = Runtime(config.runtime)
    left = reopen(directory, config, runtime.device)
    if left.saved is None:
        raise CheckpointError(f"{directory}: there is no checkpoint yet; continue with: {again(directory)}")
    state = left.saved.state
    stage = state["stage"]
    finished = records(state)
    folds = cut_folds(left.records, config.dataset, config.trainer, runtime.device, config.evaluator.reads)
    fold = folds.cut(stage)
    parts = build_stage(config, stage, fold, runtime)
    parts.load_state_dict(state["parts"])
    tests = StagePlan.of(stage, config.evaluator, finished).may_test(finished)
    return TrainedRun(
        directory=directory,
        config=config,
        model=parts.model,
        fold=folds.tested(stage) if tests else fold,
        evaluator=resolve(config.evaluator.implementation)(config.evaluator, config.seed),
        choices=chosen(finished, config.evaluator.select) if tests else {},
        step=state["step"],
        stage=stage,
        steps_done=state["loop"]["position"]["done"],
        complete=stage in finished,
        data=left.records.origin(),
    )
