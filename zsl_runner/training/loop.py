"""The one training loop: it runs any trainer's phases and owns counters, cadence, validation and selection."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, NoReturn, Protocol

import torch

from zsl_runner.errors import NonFiniteError
from zsl_runner.files.writing import replacing
from zsl_runner.training.base import Phase, StepReport, Trainer, deciding_value
from zsl_runner.training.replay import Capture, eager
from zsl_runner.training.terms import TermSums


class Hooks(Protocol):
    """What the loop asks of the stage it runs; `zsl_runner.runs.stage.StageRun` is the usual one."""

    def validate(self) -> tuple[Mapping[str, float], Mapping[str, float]] | None:
        """Measure on validation data and return (metrics, choices); None in a stage that does not validate.

        Raises:
            Interrupted: the run was asked to stop before it was done; nothing has changed.
        """

    def probe(self) -> Mapping[str, float]:
        """Return oracle metrics, which are logged at the validation cadence and never used; empty for none.

        Raises:
            Interrupted: the run was asked to stop before it was done; nothing has changed.
        """

    def keep_best(self) -> None:
        """The validation just made is the best so far."""

    def save(self, step: int) -> None:
        """Write a checkpoint of the whole run at a global step."""

    def stop_requested(self) -> bool:
        """Tell, after every step, whether the stage is to be saved and left with `Interrupted`."""


class Events(Protocol):
    """What the loop tells the outside world; `zsl_runner.tracking.tracker.Tracker` is the usual listener."""

    def begin_phase(self, stage: str, phase: str, steps: int, done: int) -> None:
        """A phase of ``steps`` steps goes on after ``done`` of them."""

    def advance(self) -> None:
        """One step is done."""

    def scalars(self, step: int, values: Mapping[str, float], stage: str, phase: str) -> None:
        """Values of global step ``step``: metrics by tag, loss terms by name."""


@dataclass
class Cadence:
    """How often the loop does what.

    Attributes:
        log_every: steps between two rows of scalars.
        validate_every: steps between two validations, unless a phase has its own.
        checkpoint_every: steps between two checkpoints.
        finite_every: steps between two checks for NaN and infinity.
    """

    log_every: int = 50
    validate_every: int = 100
    checkpoint_every: int = 500
    finite_every: int = 1


@dataclass
class Selection:
    """Which training length is best on validation.

    Attributes:
        metric: the metric that decides.
        patience: validations without improvement after which the stage stops; None never stops it.
        lower_is_better: whether the smaller value of the metric is the better one.
        best: the best validation's metrics; empty before the first.
        best_length: training length at that validation: steps whose effect is still in the weights.
        choices: what the evaluator chose at that validation, e.g. a calibration offset.
        last: metrics of the last validation whose weights were kept: those of the weights as they are.
        last_choices: what the evaluator chose at that validation.
        stale: validations since the best one.
    """

    metric: str
    patience: int | None = None
    lower_is_better: bool = False
    best: dict[str, float] = field(default_factory=dict)
    best_length: int = 0
    choices: dict[str, float] = field(default_factory=dict)
    last: dict[str, float] = field(default_factory=dict)
    last_choices: dict[str, float] = field(default_factory=dict)
    stale: int = 0

    def note(self, metrics: Mapping[str, float], choices: Mapping[str, float], length: int) -> bool:
        """Take one validation into account and tell whether it is the best so far.

        Raises:
            RunError: the metric that decides is none of those measured.
        """
        deciding_value("evaluator.select_metric", self.metric, metrics)
        self.last, self.last_choices = dict(metrics), dict(choices)
        if self._improves(metrics):
            self.best, self.choices, self.best_length, self.stale = dict(metrics), dict(choices), length, 0
            return True
        self.stale += 1
        return False

    def _improves(self, metrics: Mapping[str, float]) -> bool:
        if not self.best:
            return True
        value, best = metrics[self.metric], self.best[self.metric]
        return value < best if self.lower_is_better else value > best

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self.patience is not None and self.stale >= self.patience


@dataclass
class Position:
    """Where a stage stands.

    Attributes:
        phase: index of the phase.
        step: steps done in the phase.
        done: steps done in the stage.
        length: steps whose effect is in the weights; smaller than ``done`` after a rollback.
        kept: length at the last validation whose weights the phase kept, where a rollback goes back to.
        real_rows: labelled real rows minimised so far.
        validates: whether the validation after the last step is still to be made; it was cut short.
        probes: whether the oracle's look after the last step is still to be made; it was cut short.
    """

    phase: int = 0
    step: int = 0
    done: int = 0
    length: int = 0
    kept: int = 0
    real_rows: int = 0
    validates: bool = False
    probes: bool = False


class Interrupted(Exception):
    """The run was asked to stop."""


class Loop:
    """Runs one stage.

    Args:
        trainer: the procedure.
        hooks: what measures, keeps and saves at the loop's moments.
        stage: name of the stage.
        first_step: global step at which the stage begins; the step axis counts on over stages.
        cadence: how often to do what.
        events: listener.
        selection: how validations select.
        stop_length: end the stage after so many steps; None runs all phases to their ends.
        postmortem: folder for the batch of a step that went wrong.
        capture: how steps are captured and replayed; None computes them operation by operation.
    """

    def __init__(
        self,
        trainer: Trainer,
        hooks: Hooks,
        *,
        stage: str,
        first_step: int,
        cadence: Cadence,
        events: Events,
        selection: Selection,
        stop_length: int | None = None,
        postmortem: Path | None = None,
        capture: Capture | None = None,
    ) -> None:
        self.trainer = trainer
        self.hooks = hooks
        self.stage = stage
        self.first_step = first_step
        self.cadence = cadence
        self.events = events
        self.selection = selection
        self.position = Position()
        self._stop_length = stop_length
        self._postmortem = postmortem
        self._capture = capture
        self._sums = TermSums()
        self._checked = 0

    @property
    def global_step(self) -> int:
        """Steps of the run so far."""
        return self.first_step + self.position.done

    def run(self) -> None:
        """Run the phases from the current position to the end of the stage.

        Raises:
            NonFiniteError: a loss term is NaN or infinite.
            Interrupted: the run was asked to stop; its state has been saved.
        """
        phases = self.trainer.phases()
        while self.position.phase < len(phases):
            phase = phases[self.position.phase]
            steps = phase.steps
            if self._stop_length is not None:
                steps = min(steps, self._stop_length - (self.position.done - self.position.step))
            self._run_phase(phase, steps)
            if self._capture is not None:
                self._capture.conclude(f"{self.stage}/{phase.name}")
            if self.selection.exhausted or (self._stop_length is not None and self.position.done >= self._stop_length):
                return
            if _repeats(phase):
                self.position.length -= self.position.step
            else:
                self.position.phase += 1
            self.position.step = 0

    def _run_phase(self, phase: Phase, steps: int) -> None:
        position = self.position
        self.events.begin_phase(self.stage, phase.name, steps, position.step)
        if position.step == 0 and steps and phase.begin is not None:
            phase.begin()
        validate_every = phase.validate_every or self.cadence.validate_every
        if self._capture is None:
            take = eager(phase.step, self._sums)
        else:
            take = self._capture.of(phase.step, self._sums, f"{self.stage}/{phase.name}")
        if position.validates or position.probes:
            self._look(phase)
        if self.selection.exhausted:  # already before the run was stopped, in what follows the last validation
            return
        while position.step < steps:
            report = take()
            position.step += 1
            position.done += 1
            position.length += 1
            position.real_rows += report.real_rows
            at_end = position.step == steps
            self._account(phase, report, at_end)
            if at_end and phase.end is not None:
                phase.end()
            looks = not _repeats(phase) if at_end else position.step % validate_every == 0
            exhausted = phase.validates and looks and self._look(phase)
            self.events.advance()
            if exhausted:
                return
            if position.done % self.cadence.checkpoint_every == 0 and not at_end:
                self.hooks.save(self.global_step)
            if self.hooks.stop_requested():
                self.hooks.save(self.global_step)
                raise Interrupted

    def _look(self, phase: Phase) -> bool:
        """Validate, or let the oracle look, and tell whether the stage is to end.

        Neither changes what is trained, but a phase may undo steps. What a signal cut short is made when the run is
        resumed, and nothing that was done before it is made again.
        """
        position = self.position
        position.validates = not position.probes
        try:
            if position.validates:
                self._validate(phase)
                position.validates = False
            position.probes = True
            oracle = self.hooks.probe()
            position.probes = False
        except Interrupted:
            self.hooks.save(self.global_step)
            raise
        if oracle:
            self.events.scalars(self.global_step, oracle, self.stage, phase.name)
        return self.selection.exhausted

    def _validate(self, phase: Phase) -> None:
        validation = self.hooks.validate()
        if validation is None:
            return
        metrics, choices = validation
        self.events.scalars(self.global_step, metrics, self.stage, phase.name)
        before = self.selection.last, self.selection.last_choices
        if self.selection.note(metrics, choices, self.position.length):
            self.hooks.keep_best()
        if phase.on_validation is not None and phase.on_validation(metrics):
            self.position.length = self.position.kept
            self.selection.last, self.selection.last_choices = before
        self.position.kept = self.position.length

    def _account(self, phase: Phase, report: StepReport, at_end: bool) -> None:
        """Write a row of scalars if one is due, and see that the terms since the last row are finite."""
        step = self.position.step
        due = step % self.cadence.log_every == 0 or at_end
        if not due and step % self.cadence.finite_every:
            return
        sums = self._sums.values()
        if not all(map(math.isfinite, sums.values())):
            self._stop(phase, report, sums)
        self._checked = self.position.done
        if due:
            values = {name: total / self._sums.counts[name] for name, total in sums.items()}
            self.events.scalars(self.global_step, values, self.stage, phase.name)
            self._sums.clear()

    def _stop(self, phase: Phase, report: StepReport, sums: Mapping[str, float]) -> NoReturn:
        """Say what is not finite: terms of the last step or, if they are, their sums since the last look."""
        found = {name: float(term) for name, term in report.terms.items()}
        bad = {name: value for name, value in found.items() if not math.isfinite(value)}
        bad = bad or {name: value for name, value in sums.items() if not math.isfinite(value)}
        where = ""
        if self._postmortem is not None:
            path = self._postmortem / f"nonfinite-step-{self.global_step:09d}.pt"
            where = f"; the step's batch is in {path}"
            try:
                with replacing(path) as temporary:
                    torch.save({"terms": dict(report.terms), "batch": dict(report.batch)}, temporary)
            except (OSError, RuntimeError) as error:  # torch reports a full disk as either
                where = f"; the step's batch could not be kept in {path}: {str(error).partition(chr(10))[0]}"
        values = ", ".join(f"{name}={value}" for name, value in bad.items())
        first = self.position.step - min(self.position.done - self._checked, self.position.step) + 1
        steps = f"step {first}" if first == self.position.step else f"steps {first} to {self.position.step}"
        raise NonFiniteError(
            f"{self.stage}/{phase.name} {steps} (global step {self.global_step}): {values}{where}; "
            "lower the learning rate, clip gradients (optim.clip_norm) or check the data's scaling"
        )

    def state_dict(self) -> dict[str, Any]:
        """Return position, selection and the scalars summed since the last log row."""
        return {
            "position": asdict(self.position),
            "selection": asdict(self.selection),
            "sums": self._sums.state_dict(),
            "summed": dict(self._sums.counts),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self.position = Position(**state["position"])
        self.selection = Selection(**state["selection"])
        self._sums.load_state_dict(state["sums"], state["summed"])
        self._checked = self.position.done


def _repeats(phase: Phase) -> bool:
    return phase.repeats is not None and phase.repeats()
