"""One run from a checked configuration to a result: stages in order, checkpoints, the test split once at the end."""

from __future__ import annotations

import gc
import logging
import shlex
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from torch import Tensor

from zsl_runner.config.identity import defines_the_run, flatten
from zsl_runner.config.registry import resolve
from zsl_runner.config.saved import CHECKPOINTS
from zsl_runner.config.schema import RunConfig
from zsl_runner.config.typed import plain, to_yaml
from zsl_runner.config.vocabulary import TESTING, VALIDATING
from zsl_runner.console.signals import StopRequest
from zsl_runner.data.load import cut_folds, load
from zsl_runner.data.stages import AnyFold, Stages
from zsl_runner.errors import NonFiniteError
from zsl_runner.evaluation.base import Measurement, Protocol, measured, require_finite_figures
from zsl_runner.runs import result as results
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.runs.reopen import Reopened
from zsl_runner.runs.result import Result
from zsl_runner.tracking.tracker import Tracker
from zsl_runner.training.base import Trainer
from zsl_runner.training.build import StageParts, build_stage
from zsl_runner.training.loop import Cadence, Interrupted, Loop, Selection
from zsl_runner.training.runtime import Runtime

_log = logging.getLogger(__name__)


@dataclass
class StageRecord:
    """What a finished stage leaves behind.

    Attributes:
        steps: steps done.
        length: training length in the weights (smaller after rollbacks).
        best: metrics of the best validation, empty without validation.
        best_length: training length at that validation.
        best_choices: what the protocol chose there.
        last: metrics of the last validation.
        last_choices: what the protocol chose there.
        gradient_steps: optimiser steps.
        real_rows: labelled real rows minimised.
        seconds: wall time.
    """

    steps: int
    length: int
    best: dict[str, float] = field(default_factory=dict)
    best_length: int = 0
    best_choices: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    last_choices: dict[str, float] = field(default_factory=dict)
    gradient_steps: int = 0
    real_rows: int = 0
    seconds: float = 0.0


def chosen(finished: Mapping[str, StageRecord], select: str) -> dict[str, float]:
    """Return what the protocol chose on validation data for the selected training length (``last`` or ``val``)."""
    tuned = next((finished[stage] for stage in VALIDATING if stage in finished), None)
    if tuned is None:
        return {}
    return tuned.best_choices if select == "val" else tuned.last_choices


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
        self.protocol: Protocol = resolve(config.evaluator.implementation)(config.evaluator, config.seed)
        self.checkpoints = Checkpoints(directory / CHECKPOINTS, config.checkpoint.keep)
        self.finished: dict[str, StageRecord] = {}
        self.oracle_best: dict[str, float] = {}
        self.data_warnings: tuple[str, ...] = ()
        self.best_weights: dict[str, Tensor] | None = None
        self.wall_before = 0.0
        self.cpu_before = 0.0
        self.started = time.perf_counter()
        self.cpu_started = time.process_time()  # the process may have worked on other runs of a sweep before

    def execute(self) -> None:
        """Run what is left of the stages and measure the test split.

        Raises:
            Interrupted: a signal asked the run to stop; its state is saved.
        """
        state = None if self.earlier is None or self.earlier.saved is None else self.earlier.saved.state
        records = load(self.config.dataset) if self.earlier is None else self.earlier.records
        self.result.data = records.origin()
        self.data_warnings = records.provenance.warnings
        for warning in self.data_warnings:
            _log.warning("%s", warning)
        self._warn(())
        self.result.versions = results.versions(self.runtime.device_name)
        self.result.setting = self.config.dataset.setting(self.config.model, self.config.trainer)
        self.result.quantities = {name: asdict(found) for name, found in self.config.evaluator.quantities.items()}
        self.result.save(self.directory)
        folds = cut_folds(
            records, self.config.dataset, self.config.trainer, self.runtime.device, self.config.evaluator.reads
        )
        if state is not None:
            self.finished = {name: StageRecord(**record) for name, record in state["finished"].items()}
            self.oracle_best = dict(state["oracle_best"])
            self.best_weights = state.get("best_weights")
            self.result.metrics = dict(state["metrics"])
            self._warn(state.get("warnings", ()))
            self.wall_before, self.cpu_before = state["wall"], state["cpu"]
        tracker = Tracker(
            self.directory, self.config.tracker, resume_step=self._resume_step(state), written=self._written()
        )
        try:
            for name in self.config.evaluator.stages:
                if name not in self.finished:
                    if self.stop.requested():  # nothing has happened since the last checkpoint
                        raise Interrupted
                    unfinished = state if state is not None and state["stage"] == name else None
                    self._run_stage(name, folds, tracker, unfinished)
                    gc.collect()  # the loop and its callbacks hold each other, and with them the stage's networks
        except BaseException:
            tracker.close(complete=False)
            raise
        tracker.close(complete=True)
        self.result.warnings += [warning for warning in tracker.warnings if warning not in self.result.warnings]
        self._note_stages()

    def _warn(self, others: Iterable[str]) -> None:
        """Put the data's warnings into the result, then others, each once."""
        self.result.warnings = list(dict.fromkeys((*self.data_warnings, *others)))

    def _resume_step(self, state: dict[str, Any] | None) -> int | None:
        """Return the step the events continue from: None for a new run, -1 for one that starts over in place."""
        if state is not None:
            return int(state["step"])
        return None if self.earlier is None else -1

    def _written(self) -> dict[str, Any] | None:
        """Return how much had been written when the state was saved; None if nobody knows."""
        if self.earlier is None:
            return None
        return {"rows": 0, "files": {}} if self.earlier.saved is None else self.earlier.saved.written or None

    def _describe(self, parts: StageParts, tracker: Tracker) -> None:
        """Write once what TensorBoard shows beside the curves."""
        phases = [phase.name for phase in parts.trainer.phases()]
        arguments = shlex.split(self.result.command)
        tracker.describe(hyperparameters(self.config, arguments), dict.fromkeys(self.config.evaluator.stages, phases))
        tracker.text("config", f"```yaml\n{to_yaml(self.config)}\n```")
        tracker.text("command", self.result.command)
        tracker.text("versions", "\n".join(f"- {key} {value}" for key, value in self.result.versions.items()))

    def _run_stage(self, name: str, folds: Stages, tracker: Tracker, state: dict[str, Any] | None) -> None:
        evaluator = self.config.evaluator
        parts = build_stage(self.config, name, folds.cut(name), self.runtime)
        if not self.finished and state is None:
            self._describe(parts, tracker)
        first_step = sum(record.steps for record in self.finished.values())
        tuned = self.finished.get("tune")
        tested = folds.tested(name) if name in TESTING else None
        selects = evaluator.select == "val" and name == "fit"
        if state is None:
            self.best_weights = None
        stage_start, seconds_before = time.perf_counter(), 0.0 if state is None else state["stage_seconds"]

        def seconds() -> float:
            return seconds_before + time.perf_counter() - stage_start

        def validate() -> tuple[Mapping[str, float], Mapping[str, float]]:
            measurement = measured(self.protocol, name, parts.model, parts.fold)
            select_metric = evaluator.select_metric
            if select_metric in measurement.undefined:  # NaN is neither better nor worse than anything
                raise NonFiniteError(f"{measurement.undefined_in_words(select_metric)}; choose another select_metric")
            return {**measurement.metrics, **self._diagnosed(parts, parts.fold, "val")}, measurement.choices

        def keep_weights() -> None:
            self.best_weights = {key: value.clone() for key, value in parts.model.state_dict().items()}

        def probe() -> Mapping[str, float]:
            assert tested is not None
            measurement = measured(self.protocol, name, parts.model, tested)
            looked = {tag.replace("test/", "oracle/"): value for tag, value in measurement.metrics.items()}
            looked |= self.protocol.oracle(measurement)
            for tag, value in looked.items():
                best = tag.replace("oracle/", "oracle/best_")
                better = min if self._lower_is_better(tag) else max
                self.oracle_best[best] = better(value, self.oracle_best.get(best, value))
            return looked | self._diagnosed(parts, tested, "oracle")

        def save(step: int) -> None:
            written = tracker.flush()
            state = self._state(name, step, parts, loop, seconds())
            self.checkpoints.save(step, state, plain(self.config), asdict(self.result), written)

        loop = Loop(
            self._watched(parts.trainer, name, tracker) if self.config.debug.active() else parts.trainer,
            stage=name,
            first_step=first_step,
            cadence=Cadence(
                log_every=self.config.tracker.log_every,
                validate_every=evaluator.every,
                checkpoint_every=self.config.checkpoint.every,
                finite_every=self.config.runtime.finite_every,
            ),
            events=tracker,
            selection=Selection(
                evaluator.select_metric,
                evaluator.patience if name in VALIDATING else None,
                lower_is_better=self._lower_is_better(evaluator.select_metric),
            ),
            save=save,
            validate=validate if name in VALIDATING else None,
            keep_best=keep_weights if selects else None,
            probe=probe if tested is not None and evaluator.oracle else None,
            stop_length=tuned.best_length if name == "final" and tuned and evaluator.select == "val" else None,
            stop_requested=self.stop.requested,
            postmortem=self.directory,
        )
        if state is not None:
            parts.load_state_dict(state["parts"])
            loop.load_state_dict(state["loop"])
        loop.run()
        selection, position = loop.selection, loop.position
        if selects and self.best_weights is not None:
            parts.model.load_state_dict(self.best_weights)
            position.length = selection.best_length
            self.best_weights = None
        self.finished[name] = StageRecord(
            steps=position.done,
            length=position.length,
            best=selection.best,
            best_length=selection.best_length,
            best_choices=selection.choices,
            last=selection.last,
            last_choices=selection.last_choices,
            gradient_steps=parts.optimisers.steps,
            real_rows=position.real_rows,
            seconds=seconds(),
        )
        self._warn(parts.trainer.warnings())
        if tested is not None:
            self._test(parts, tested, tracker, first_step + position.done)
        save(first_step + position.done)

    def _watched(self, trainer: Trainer, stage: str, tracker: Tracker) -> Trainer:
        """Return the trainer as the options for debugging change it; only runs with such options import their code."""
        from zsl_runner.training.debugging import DebuggedTrainer
        from zsl_runner.training.profiles import show

        return DebuggedTrainer(
            trainer, self.config.debug, stage, self.directory / "profile", lambda recording: show(recording, tracker)
        )

    def _state(self, stage: str, step: int, parts: StageParts, loop: Loop, stage_seconds: float) -> dict[str, Any]:
        return {
            "stage": stage,
            "step": step,
            "finished": {name: asdict(record) for name, record in self.finished.items()},
            "oracle_best": self.oracle_best,
            "metrics": dict(self.result.metrics),
            "warnings": list(self.result.warnings),
            "wall": self._wall(),
            "cpu": self._cpu(),
            "stage_seconds": stage_seconds,
            "best_weights": self.best_weights,
            "parts": parts.state_dict(),
            "loop": loop.state_dict(),
        }

    def _test(self, parts: StageParts, tested: AnyFold, tracker: Tracker, step: int) -> None:
        """Read the test split: the one place of a run that does."""
        choices = chosen(self.finished, self.config.evaluator.select)
        measurement = measured(self.protocol, parts.name, parts.model, tested, choices)
        self._warn((*self.result.warnings, *measurement.warnings()))
        metrics = dict(measurement.metrics)
        if self.config.evaluator.oracle:
            metrics |= self.protocol.oracle(measurement) | self.oracle_best
            metrics |= self._diagnosed(parts, tested, "oracle")
        self.result.metrics = metrics
        tracker.scalars(step, metrics, parts.name, "test")
        if self.config.tracker.figures:
            self._draw(parts, tested, measurement, tracker, step)
        if self.config.tracker.projector:
            for points in self.protocol.points(parts.model, tested.evaluation):
                tracker.embedding(points.name, points.values, points.columns, step)

    def _lower_is_better(self, tag: str) -> bool:
        quantity = self.config.evaluator.quantities.get(tag.partition("/")[2])
        return quantity is not None and quantity.lower_is_better

    def _diagnosed(self, parts: StageParts, fold: AnyFold, prefix: str) -> dict[str, float]:
        found = self.protocol.diagnose(fold.evaluation, parts.trainer.exhibits())
        require_finite_figures(found)
        return {f"{prefix}/{name}": value for name, value in found.items()}

    def _draw(self, parts: StageParts, tested: AnyFold, measurement: Measurement, tracker: Tracker, step: int) -> None:
        for name, draw in self.protocol.figures(parts.model, tested.evaluation, measurement, parts.trainer.exhibits()):
            tracker.figure(name, draw, step)
        tracker.learning_curves(step, self.result.quantities)

    def _wall(self) -> float:
        return self.wall_before + time.perf_counter() - self.started

    def _cpu(self) -> float:
        return self.cpu_before + time.process_time() - self.cpu_started

    def _note_stages(self) -> None:
        tuned = next((self.finished[stage] for stage in VALIDATING if stage in self.finished), None)
        selected = self.config.evaluator.select == "val"
        if tuned is not None:
            self.result.validation = tuned.best if selected else tuned.last
        self.result.selection = {
            "mode": self.config.evaluator.select,
            "metric": self.config.evaluator.select_metric,
            "stage_lengths": {name: record.length for name, record in self.finished.items()},
            "best_validation_length": tuned.best_length if tuned is not None else None,
            **chosen(self.finished, self.config.evaluator.select),
        }
        self.result.cost = {
            "wall_seconds": self._wall(),
            "cpu_seconds": self._cpu(),
            "peak_memory_mb": results.peak_memory(),
            "gradient_steps": {name: record.gradient_steps for name, record in self.finished.items()},
            "real_rows": {name: record.real_rows for name, record in self.finished.items()},
            "stage_seconds": {name: record.seconds for name, record in self.finished.items()},
        }


def hyperparameters(config: RunConfig, arguments: list[str]) -> dict[str, bool | int | float | str]:
    """Return what TensorBoard's HParams page lists: the choices, the seed and every overridden key that matters."""
    flat = flatten(plain(config))
    keys = [argument.lstrip("+").partition("=")[0] for argument in arguments]
    swept = {key: flat[key] for key in keys if key in flat and defines_the_run(key)}
    shown = {key: value if isinstance(value, (bool, int, float, str)) else str(value) for key, value in swept.items()}
    choices = {"model": config.model.name, "dataset": config.dataset.name, "trainer": config.trainer.name}
    debug = {"debug": ", ".join(config.debug.active())} if config.debug.active() else {}
    return {**choices, **debug, "seed": config.seed, **shown}
