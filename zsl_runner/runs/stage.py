"""One stage of a run: the plan of it, and the work at its loop's moments: measuring, keeping, saving, testing."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from zsl_runner.config.quantities import Quantity
from zsl_runner.config.schema import EvaluatorConf, RunConfig
from zsl_runner.config.typed import plain
from zsl_runner.config.vocabulary import TESTING, VALIDATING
from zsl_runner.console.signals import StopRequest
from zsl_runner.data.stages import AnyFold
from zsl_runner.errors import NonFiniteError
from zsl_runner.evaluation.base import AnyEvaluator, Measurement, measured, require_finite_metrics
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.runs.directory import require_in_place
from zsl_runner.runs.objective import require_measured
from zsl_runner.runs.oracle import with_better
from zsl_runner.runs.state import RunState, StageRecord, chosen, validated
from zsl_runner.tracking.tracker import Tracker
from zsl_runner.training.base import Trainer
from zsl_runner.training.build import StageParts, capture_of
from zsl_runner.training.loop import Cadence, Interrupted, Loop, Selection
from zsl_runner.training.replay import Variants

log = logging.getLogger(__name__)
GLOBAL_GENERATOR = (
    "something drew from torch's global generator, or seeded it; the run's seed does not govern it, and "
    "a resumed run goes on with other numbers: draw from streams (generator=streams[...]), and take "
    "zsl_runner.models.networks:Dropout for nn.Dropout"
)


@dataclass(frozen=True)
class StagePlan:
    """What a stage does beside training; where a run depends on its stage it asks this, not the stage's name.

    Attributes:
        name: the stage.
        first_step: global step at which it begins.
        validates: whether it measures on validation data on the way.
        tests: whether it reads the test rows at its end.
        probes: whether it computes oracle metrics, which look at the test rows, on the way and at its end.
        selects: whether it ends with the weights of its best validation. A stage that does not test leaves the best
            training length to the stage after it instead.
        stop_length: training length that an earlier stage found best, at which it ends; None for that of its phases.
        patience: validations without improvement after which it ends; None never.
    """

    name: str
    first_step: int
    validates: bool
    tests: bool
    probes: bool
    selects: bool
    stop_length: int | None
    patience: int | None

    @classmethod
    def of(cls, name: str, evaluator: EvaluatorConf, finished: Mapping[str, StageRecord]) -> StagePlan:
        """Return the plan of a stage.

        Args:
            name: the stage.
            evaluator: the evaluator's options.
            finished: the stages that are done; the stage itself is not counted.
        """
        earlier = {stage: record for stage, record in finished.items() if stage != name}
        validates, tests, by_validation = name in VALIDATING, name in TESTING, evaluator.select == "val"
        tuned = None if validates else validated(earlier)
        return cls(
            name=name,
            first_step=sum(record.steps for record in earlier.values()),
            validates=validates,
            tests=tests,
            probes=tests and evaluator.oracle,
            selects=validates and tests and by_validation,
            stop_length=tuned.best_length if tuned is not None and by_validation else None,
            patience=evaluator.patience if validates else None,
        )

    def may_test(self, finished: Mapping[str, StageRecord]) -> bool:
        """Tell whether what test rows are scored with is settled; a stage that validates chooses it until its end."""
        return self.tests and (not self.validates or self.name in finished)


@dataclass(frozen=True)
class RunContext:
    """What the stages of a run work with.

    Attributes:
        directory: the run's directory.
        config: its configuration.
        evaluator: what measures.
        state: how far the run has come.
        tracker: where metrics and figures go.
        checkpoints: where states go.
        stop: whether a signal asked the run to stop.
    """

    directory: Path
    config: RunConfig
    evaluator: AnyEvaluator
    state: RunState
    tracker: Tracker
    checkpoints: Checkpoints
    stop: StopRequest


class StageRun:
    """A stage at work; its loop asks it to validate, probe, keep the best weights and save.

    Args:
        context: what the stages of the run work with.
        plan: what this one does.
        parts: everything in it that holds state.
        tested: the fold with the test rows; None if it does not test.
        state: what a checkpoint kept of this stage; None to begin it.
    """

    def __init__(
        self,
        context: RunContext,
        plan: StagePlan,
        parts: StageParts,
        tested: AnyFold | None,
        state: Mapping[str, Any] | None = None,
    ) -> None:
        self.context = context
        self.plan = plan
        self.parts = parts
        self.tested = tested
        self.oracle_best: dict[str, float] = {}
        self.best_weights: dict[str, Tensor] | None = None
        self._seconds_before = 0.0
        self._started = time.perf_counter()
        self._capture = capture_of(parts)
        self._global_generator = torch.get_rng_state()
        self._has_told_of_the_generator = False
        self.loop = self._loop()
        if state is not None:
            self.load_state_dict(state)

    def _loop(self) -> Loop:
        config, plan = self.context.config, self.plan
        metric = config.evaluator.select_metric
        return Loop(
            self._watched(self.parts.trainer) if config.debug.active() else self.parts.trainer,
            self,
            stage=plan.name,
            first_step=plan.first_step,
            cadence=Cadence(
                log_every=config.tracker.log_every,
                validate_every=config.evaluator.every,
                checkpoint_every=config.checkpoint.every,
                finite_every=self.parts.trainer.context.runtime.finite_every,
            ),
            events=self.context.tracker,
            selection=Selection(metric, plan.patience, lower_is_better=self._quantity(metric).lower_is_better),
            stop_length=plan.stop_length,
            postmortem=self.context.directory,
            capture=self._capture,
        )

    def _watched(self, trainer: Trainer) -> Trainer:
        """Return the trainer as the options for debugging change it; only runs with such options import their code."""
        from zsl_runner.training.debugging import DebuggedTrainer, show

        debug, tracker, folder = self.context.config.debug, self.context.tracker, self.context.directory / "profile"
        return DebuggedTrainer(trainer, debug, self.plan.name, folder, lambda recording: show(recording, tracker))

    def run(self) -> None:
        """Train what is left of the stage, record it, read the test rows if it is to, and save.

        Raises:
            Interrupted: a signal asked the run to stop; its state is saved.
        """
        if told := self.context.evaluator.slow(self.parts.fold):
            log.warning("stage %s: %s", self.plan.name, told)
        self.loop.run()
        if self.best_weights is not None:
            self.parts.model.load_state_dict(self.best_weights)
            self.loop.position.length = self.loop.selection.best_length
        self.record()
        if self.tested is not None:
            try:
                self.test(self.tested)
            except Interrupted:
                del self.context.state.finished[self.plan.name]
                self.save(self.loop.global_step)
                raise
        self.best_weights = None
        self.save(self.loop.global_step)

    def validate(self) -> tuple[Mapping[str, float], Mapping[str, float]] | None:
        """Measure on validation data; see `Hooks.validate`.

        Raises:
            NonFiniteError: the metric that selects is undefined, which is neither better nor worse than anything.
            ObjectiveError: the run belongs to a search, and an objective is none of the metrics.
            Interrupted: a signal asked the run to stop, before or while it measured.
        """
        if not self.plan.validates:
            return None
        with self._interruptible():
            measurement = self._measured(self.parts.fold)
            diagnosed = self._diagnosed(self.parts.fold, "val")
        metric = self.context.config.evaluator.select_metric
        if metric in measurement.undefined:
            raise NonFiniteError(f"{measurement.undefined_in_words(metric)}; choose another evaluator.select_metric")
        metrics = {**measurement.metrics, **diagnosed}
        if self.context.state.result.study and not self.context.evaluator.measures_more_later:
            require_measured(self.context.config, metrics)
        return metrics, measurement.choices

    def probe(self) -> Mapping[str, float]:
        """Return oracle metrics, if the plan says so, and remember the best value of each with its standard error.

        Raises:
            Interrupted: a signal asked the run to stop, before or while it measured.
        """
        if not self.plan.probes:
            return {}
        assert self.tested is not None
        with self._interruptible():
            measurement = self._measured(self.tested)
            looked = {tag.replace("test/", "oracle/"): value for tag, value in measurement.metrics.items()}
            looked |= self.context.evaluator.oracle(measurement)
            diagnosed = self._diagnosed(self.tested, "oracle")
        self.oracle_best = with_better(self.oracle_best, looked, self._quantity)
        return looked | diagnosed

    def keep_best(self) -> None:
        """Copy the weights if the stage is to end with those of its best validation."""
        if self.plan.selects:
            self.best_weights = {key: value.clone() for key, value in self.parts.model.state_dict().items()}

    def stop_requested(self) -> bool:
        """Tell whether a signal asked the run to stop."""
        return self.context.stop.requested()

    def save(self, step: int) -> None:
        """Write a checkpoint of the run at a global step.

        Raises:
            CheckpointError: it cannot be written, or the run lies elsewhere by now.
        """
        context = self.context
        require_in_place(context.directory, context.state.result)
        self._watch_global_generator()
        written = context.tracker.flush()
        context.state.warn(context.tracker.warnings)
        state = {"step": step, **context.state.state_dict(), **self.state_dict()}
        context.checkpoints.save(step, state, plain(context.config), asdict(context.state.result), written)

    def record(self) -> None:
        """Note what the stage leaves behind, now that it is trained."""
        selection, position = self.loop.selection, self.loop.position
        self.context.state.finished[self.plan.name] = StageRecord(
            steps=position.done,
            length=position.length,
            best=selection.best,
            best_length=selection.best_length,
            best_choices=selection.choices,
            last=selection.last,
            last_choices=selection.last_choices,
            gradient_steps=self.parts.optimisers.steps,
            real_rows=position.real_rows,
            seconds=self._seconds(),
            graphs={phase: found.graphs for phase, found in self._variants().items()},
            eager_variants={phase: found.eager for phase, found in self._variants().items()},
        )
        self._watch_global_generator()
        self._warn(self.parts.trainer.warnings())
        self.context.state.warn(self.parts.trainer.context.runtime.without_effect())

    def test(self, tested: AnyFold) -> None:
        """Read the test rows: the one place of a run that does so for metrics that count.

        Raises:
            Interrupted: a signal asked the run to stop, before or while it measured.
        """
        config, state, tracker = self.context.config, self.context.state, self.context.tracker
        with self._interruptible():
            measurement = self._measured(tested, chosen(state.finished, config.evaluator.select))
            metrics = dict(measurement.metrics)
            if self.plan.probes:
                metrics |= self.context.evaluator.oracle(measurement) | self.oracle_best
                metrics |= self._diagnosed(tested, "oracle")
        state.warn(measurement.warnings())
        state.result.metrics = metrics
        state.result.tables = {name: table.plain() for name, table in measurement.tables.items()}
        step = self.loop.global_step
        tracker.scalars(step, metrics, self.plan.name, "test")
        if config.tracker.figures:
            self._draw(tested, measurement, step)
        if config.tracker.projector:
            self._project(tested, step)

    def _draw(self, tested: AnyFold, measurement: Measurement[Any], step: int) -> None:
        evaluator, tracker, shown = self.context.evaluator, self.context.tracker, self.parts.trainer.shown()
        for name, draw in evaluator.figures(self.parts.model, tested.evaluation, measurement, shown):
            tracker.figure(name, draw, step)
        tracker.learning_curves(step, self.context.state.result.quantities)

    def _project(self, tested: AnyFold, step: int) -> None:
        found = list(self.context.evaluator.points(self.parts.model, tested.evaluation))
        for points in found:
            self.context.tracker.embedding(points.name, points.values, points.columns, step)
        if not found:
            conf, state = self.context.config, self.context.state
            reason = f"evaluator {conf.evaluator.name} has no points of model {conf.model.name} for it"
            state.warn([f"tracker.projector has no effect: {reason}"])

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Leave a measurement at once if a signal comes: it may take minutes, and changes nothing.

        Raises:
            Interrupted: a signal came, before or inside the block.
        """
        try:
            with self.context.stop.interrupting():
                yield
        except KeyboardInterrupt:
            raise Interrupted from None

    def _measured(self, fold: AnyFold, choices: Mapping[str, float] | None = None) -> Measurement[Any]:
        self.context.tracker.measure(fold.evaluation.name)
        return measured(self.context.evaluator, self.plan.name, self.parts.model, fold, choices)

    def _diagnosed(self, fold: AnyFold, prefix: str) -> dict[str, float]:
        found = self.context.evaluator.diagnose(fold.evaluation, self.parts.trainer.shown())
        require_finite_metrics(found)
        return {f"{prefix}/{name}": value for name, value in found.items()}

    def _quantity(self, tag: str) -> Quantity:
        return self.context.config.evaluator.quantities.get(tag.partition("/")[2], Quantity())

    def _variants(self) -> Mapping[str, Variants]:
        return {} if self._capture is None else self._capture.variants

    def _seconds(self) -> float:
        return self._seconds_before + time.perf_counter() - self._started

    def _watch_global_generator(self) -> None:
        """Say so once if something drew from torch's global generator: neither the seed nor a checkpoint governs it."""
        if self._has_told_of_the_generator or torch.equal(self._global_generator, torch.get_rng_state()):
            return
        self._has_told_of_the_generator = True
        log.warning("stage %s: %s", self.plan.name, GLOBAL_GENERATOR)
        self._warn([GLOBAL_GENERATOR])

    def _warn(self, warnings: Sequence[str]) -> None:
        last = self.context.config.evaluator.stages[-1]
        self.context.state.warn_of_training(self.plan.name, warnings, is_last=self.plan.name == last)

    def state_dict(self) -> dict[str, Any]:
        """Return what an exact resume inside the stage needs."""
        return {
            "stage": self.plan.name,
            "stage_seconds": self._seconds(),
            "oracle_best": self.oracle_best,
            "variants": {phase: asdict(found) for phase, found in self._variants().items()},
            "best_weights": self.best_weights,
            "asked": sorted(self.parts.trainer.context.runtime.asked),
            "parts": self.parts.state_dict(),
            "loop": self.loop.state_dict(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self._seconds_before = state["stage_seconds"]
        self.parts.trainer.context.runtime.asked.update(state.get("asked", ("precision", "compile")))
        self.oracle_best = dict(state["oracle_best"])
        self.best_weights = state.get("best_weights")
        if self._capture is not None:
            self._capture.variants = {phase: Variants(**found) for phase, found in state.get("variants", {}).items()}
        if begun := self.parts.load_state_dict(state["parts"]):
            log.warning(
                "the run goes on on another kind of device: from here on it draws other random numbers (%s)",
                ", ".join(begun),
            )
        self.loop.load_state_dict(state["loop"])
