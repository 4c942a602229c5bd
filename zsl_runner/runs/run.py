"""One run from a checked configuration to a result: stages in order, checkpoints, the test split once at the end."""

from __future__ import annotations

import gc
import logging
import shlex
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hydra.core.override_parser.types import Override

from zsl_runner.config.compose import command_line
from zsl_runner.config.identity import defines_the_run, flatten, lies_in
from zsl_runner.config.overrides import parse
from zsl_runner.config.registry import built, resolve
from zsl_runner.config.saved import CHECKPOINTS
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.typed import plain, to_yaml
from zsl_runner.console.signals import StopRequest
from zsl_runner.data.load import cut_folds, load
from zsl_runner.data.records import Records
from zsl_runner.data.stages import Stages
from zsl_runner.evaluation.base import AnyEvaluator
from zsl_runner.runs import result as results
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.runs.initial import initialise
from zsl_runner.runs.reopen import Reopened
from zsl_runner.runs.result import Result
from zsl_runner.runs.stage import RunContext, StagePlan, StageRun
from zsl_runner.runs.state import RunState
from zsl_runner.tracking.tracker import Tracker
from zsl_runner.training.build import StageParts, build_stage
from zsl_runner.training.loop import Interrupted
from zsl_runner.training.processor import Processor
from zsl_runner.training.runtime import Runtime

_log = logging.getLogger(__name__)


class Run:
    """A run in its directory.

    Args:
        directory: the run's own directory, holding ``config.yaml``.
        config: its configuration.
        result: the record kept in ``result.json``.
        stop: whether a signal asked the run to stop.
        earlier: what an earlier process left in the directory; None for a new run.
    """

    def __init__(
        self, directory: Path, config: RunConfig, result: Result, stop: StopRequest, earlier: Reopened | None = None
    ) -> None:
        self.earlier = earlier
        self.directory = directory
        self.config = config
        self.result = result
        self.stop = stop
        self.runtime = Runtime(config.runtime)
        for member in (config.model, config.trainer):
            resolve(member.implementation)  # what is not complete is refused before the data are read
        self.evaluator: AnyEvaluator = built(config.evaluator.implementation, config.evaluator, config.seed)
        self.state = RunState(result)

    def execute(self) -> None:
        """Run what is left of the stages and measure the test split.

        Raises:
            Interrupted: a signal asked the run to stop; its state is saved.
        """
        records = load(self.config.dataset) if self.earlier is None else self.earlier.records
        self._describe_record(records)
        folds = cut_folds(
            records, self.config.dataset, self.config.trainer, self.runtime.device, self.config.evaluator.reads
        )
        saved = None if self.earlier is None or self.earlier.saved is None else self.earlier.saved.state
        if saved is not None:
            self.state.load_state_dict(saved)
        context = self._context(saved)
        try:
            for name in self.config.evaluator.stages:
                if name not in self.state.finished:
                    if self.stop.requested():  # nothing has happened since the last checkpoint
                        raise Interrupted
                    unfinished = saved if saved is not None and saved["stage"] == name else None
                    self._stage(name, folds, context, unfinished).run()
                    gc.collect()  # a stage and its loop hold each other, and with them the stage's networks
        except BaseException:
            context.tracker.close(complete=False)
            raise
        self.state.conclude(self.config.evaluator, self.runtime.device_memory())
        steps = sum(record.steps for record in self.state.finished.values())
        context.tracker.conclude(self._hyperparameters(), outcome(self.config, self.result), steps)
        context.tracker.close(complete=True)
        self.state.warn(context.tracker.warnings)

    def _describe_record(self, records: Records) -> None:
        """Put into the record what is known before training, and save it."""
        self.result.data = records.origin() | self.config.dataset.scaling(records)
        self.result.warnings = []  # those of the stages come back with the state of a resumed run
        self.result.versions = results.versions(self.runtime.device_name, str(Processor.here()))
        warnings = [*self.runtime.warnings(in_bfloat16(self.config)), *records.provenance.warnings]
        if self.earlier is not None and self.earlier.saved is not None:
            warnings += results.program_changes(self.earlier.saved.record, self.result)
        self.state.warn(warnings)
        for warning in warnings:
            _log.warning("%s", warning)
        self.result.setting = self.config.dataset.setting(self.config.model, self.config.trainer)
        self.result.quantities = {name: asdict(found) for name, found in self.config.evaluator.quantities.items()}
        self.result.save(self.directory)

    def _context(self, saved: dict[str, Any] | None) -> RunContext:
        return RunContext(
            directory=self.directory,
            config=self.config,
            evaluator=self.evaluator,
            state=self.state,
            checkpoints=Checkpoints(self.directory / CHECKPOINTS, self.config.checkpoint.keep),
            stop=self.stop,
            tracker=Tracker(
                self.directory, self.config.tracker, resume_step=self._resume_step(saved), written=self._written()
            ),
        )

    def _stage(self, name: str, folds: Stages, context: RunContext, saved: dict[str, Any] | None) -> StageRun:
        """Build a stage, where it begins or as a checkpoint left it."""
        plan = StagePlan.of(name, self.config.evaluator, self.state.finished)
        parts = build_stage(self.config, name, folds.cut(name), self.runtime)
        weights = self.config.model.initial_weights()
        if weights is not None and saved is None:
            initialise(parts.model, Path(weights))
        if context.tracker.undescribed:
            self._describe(parts, context.tracker)
        return StageRun(context, plan, parts, folds.tested(name) if plan.tests else None, saved)

    def _resume_step(self, saved: dict[str, Any] | None) -> int | None:
        """Return the step the events continue from: None for a new run, -1 for one that starts over in place."""
        if saved is not None:
            return int(saved["step"])
        return None if self.earlier is None else -1

    def _written(self) -> dict[str, Any] | None:
        """Return how much had been written when the state was saved; None if nobody knows."""
        if self.earlier is None:
            return None
        return {"rows": 0, "files": {}} if self.earlier.saved is None else self.earlier.saved.written or None

    def _describe(self, parts: StageParts, tracker: Tracker) -> None:
        """Write once what TensorBoard shows beside the curves."""
        phases = [phase.name for phase in parts.trainer.phases()]
        tracker.describe(self._hyperparameters(), dict.fromkeys(self.config.evaluator.stages, phases))
        tracker.text("config", f"```yaml\n{to_yaml(self.config)}\n```")
        tracker.text("command", self.result.command)
        tracker.text("versions", "\n".join(f"- {key} {value}" for key, value in self.result.versions.items()))

    def _hyperparameters(self) -> dict[str, bool | int | float | str]:
        return hyperparameters(self.config, shlex.split(self.result.command))


def in_bfloat16(config: RunConfig) -> list[str]:
    """Return the options by which classifiers compute products in bfloat16, of those that have an effect."""
    idle = [f"trainer.{option.key}" for option in config.trainer.idle_options()]
    return [key for key, value in flatten(plain(config)).items() if value == "bfloat16" and not lies_in(key, *idle)]


def outcome(config: RunConfig, result: Result) -> dict[str, float]:
    """Return what TensorBoard's HParams page lists of a complete run.

    The metric that selects comes first, on validation and on test rows, under names that sort before all settings.
    """
    name = config.evaluator.select_metric.partition("/")[2]
    measured = {"val": result.validation.get(f"val/{name}"), "test": result.metrics.get(f"test/{name}")}
    first = {f"{name} ({rows})": value for rows, value in measured.items() if value is not None}
    return first | {tag: value for tag, value in result.metrics.items() if tag != f"test/{name}"}


def hyperparameters(config: RunConfig, arguments: list[str]) -> dict[str, bool | int | float | str]:
    """Return what TensorBoard's HParams page lists: the choices, the seed, and settings that matter.

    These are all of the model and the trainer, overridden or not, and of other groups those that were overridden: a run
    without a value in a column that is shown has no line in TensorBoard's parallel coordinates.
    """
    flat = flatten(plain(config))
    parsed = [override for argument in arguments if isinstance(override := parse(argument), Override)]
    overridden = {key for layer in command_line(parsed) for key in flatten(layer.values)}
    in_force = {
        key: value
        for key, value in flat.items()
        if (key in overridden or key.startswith(("model.", "trainer."))) and defines_the_run(key)
    }
    labels = {f"{group}.{label}" for group in ("model", "trainer") for label in ("kind", "name")}
    shown = {
        key: value if isinstance(value, (bool, int, float, str)) else str(value)
        for key, value in in_force.items()
        if key not in labels
    }
    choices = {
        "model": config.model.name,
        "dataset": config.dataset.name,
        "trainer": config.trainer.name,
        "evaluator": config.evaluator.name,
        "evaluator.select": config.evaluator.select,
    }
    debug = {"debug": ", ".join(config.debug.active())} if config.debug.active() else {}
    return {**choices, **debug, "seed": config.seed, **shown}
