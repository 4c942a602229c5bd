"""Opens a run from its directory: its newest checkpoint, data and evaluator, ready to use from Python."""

from __future__ import annotations

from pathlib import Path

from omegaconf import OmegaConf

from zsl_runner.config.gpus import DEVICE, DEVICES
from zsl_runner.config.quoting import again
from zsl_runner.config.registry import built
from zsl_runner.config.saved import CONFIG_FILE, open_existing, read_saved, restoring
from zsl_runner.config.schema import DatasetConf
from zsl_runner.config.typed import typed
from zsl_runner.data.load import cut_folds
from zsl_runner.errors import CheckpointError, ConfigError, DataError
from zsl_runner.runs.reopen import reopen
from zsl_runner.runs.stage import StagePlan
from zsl_runner.runs.state import chosen, records
from zsl_runner.runs.trained import TrainedRun
from zsl_runner.training.build import build_stage
from zsl_runner.training.runtime import Runtime

_REMEDY = (
    "data that were moved: say where they are now, by zsl-eval RUN --root FOLDER or open_run(RUN, root=FOLDER); "
    "their checksums must be those the run began with"
)


def open_run(
    directory: Path, device: str = "auto", batch_size: int | None = None, root: Path | None = None
) -> TrainedRun:
    """Return the run in ``directory``.

    Args:
        directory: the run's directory.
        device: where to put model and data.
        batch_size: rows scored at a time; None takes the run's.
        root: folder that its data were moved to; None takes the run's.

    Raises:
        ConfigError: there is no such device, or the data are not of files in a folder.
        RunError: the run, its checkpoints or its data cannot be used, or are not those it began with.
    """
    if not DEVICE.fullmatch(device):
        raise ConfigError(f"device: expected {DEVICES}, found {device!r}")
    directory = open_existing(directory)
    try:
        config = typed(OmegaConf.create(read_saved(directory)))
    except ConfigError as error:
        raise CheckpointError(f"{directory / CONFIG_FILE}: {error}{restoring(directory)}") from error
    config.runtime.device = device
    if config.runtime.capture == "always":  # which a CPU refuses; here no step is taken
        config.runtime.capture = "auto"
    if batch_size is not None:
        config.evaluator.batch_size = batch_size
    if root is not None:
        _move(config.dataset, root)
    runtime = Runtime(config.runtime)
    try:
        left = reopen(directory, config, runtime.device, trains=False)
    except DataError as error:
        if all(Path(file.path).exists() for file in config.dataset.required_files()):
            raise
        raise DataError(f"{error}\n{_REMEDY}") from error
    if left.saved is None:
        raise CheckpointError(f"{directory}: there is no checkpoint yet; continue with: {again(directory)}")
    state = left.saved.state
    stage = state["stage"]
    finished = records(state)
    folds = cut_folds(left.records, config.dataset, config.trainer, runtime.device, config.evaluator.reads)
    fold = folds.cut(stage)
    parts = build_stage(config, stage, fold, runtime, trained=True)
    parts.load_state_dict(state["parts"])
    tests = StagePlan.of(stage, config.evaluator, finished).may_test(finished)
    return TrainedRun(
        directory=directory,
        config=config,
        model=parts.model,
        fold=folds.tested(stage) if tests else fold,
        evaluator=built(config.evaluator.implementation, config.evaluator, config.seed),
        choices=chosen(finished, config.evaluator.select) if tests else {},
        step=state["step"],
        stage=stage,
        steps_done=state["loop"]["position"]["done"],
        complete=stage in finished,
        result=left.result,
        data=left.records,
        runtime=runtime,
    )


def _move(conf: DatasetConf, root: Path) -> None:
    """Let a data set be read from another folder.

    Raises:
        ConfigError: it is not read from a folder.
    """
    if getattr(conf, "root", None) is None:
        raise ConfigError(f"root: the data set {conf.name} is not read from a folder")
    setattr(conf, "root", str(root))  # noqa: B010  (not every data set has one)
