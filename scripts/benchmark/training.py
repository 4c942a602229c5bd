"""Two questions about training: what the loop adds to its steps, and what a step adds to its matrix products."""

from __future__ import annotations

import io
import itertools
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from scripts.benchmark import problem
from scripts.benchmark.products import against_the_unavoidable, bare, products_of
from scripts.benchmark.timing import Cost, Effort, Finding, cost_of, interleaved, quantities
from zsl_runner.config.schema import RunConfig
from zsl_runner.runs.checkpoint import Checkpoints
from zsl_runner.tracking.bar import Bar
from zsl_runner.tracking.tracker import Tracker
from zsl_runner.training.base import Phase, StepReport, Trainer
from zsl_runner.training.build import StageParts
from zsl_runner.training.loop import Cadence, Loop, Selection

LOOP_AIM = 1.05


@dataclass
class Timed:
    """A step that adds up what it takes, inside whatever calls it."""

    step: Callable[[], StepReport]
    cpu: float = 0.0
    wall: float = 0.0

    def __call__(self) -> StepReport:
        """Take the step."""
        cpu, wall = time.process_time(), time.perf_counter()
        report = self.step()
        self.cpu += time.process_time() - cpu
        self.wall += time.perf_counter() - wall
        return report


class OnePhase(Trainer):
    """The steps of one phase of another trainer.

    Args:
        phase: that phase.
    """

    def __init__(self, phase: Phase) -> None:
        self._phase = phase

    def phases(self) -> Sequence[Phase]:
        """Return the phase alone."""
        return [self._phase]


class Nothing:
    """A stage that neither measures nor saves."""

    def validate(self) -> None:
        """Measure nothing."""

    def probe(self) -> Mapping[str, float]:
        """Measure nothing."""
        return {}

    def keep_best(self) -> None:
        """Keep nothing."""

    def save(self, step: int) -> None:
        """Save nothing."""

    def stop_requested(self) -> bool:
        """Let it run to its end."""
        return False


class OneBar:
    """Passes events on, but shows all repetitions as one phase: a run has few bars, and each costs at every redraw.

    Args:
        tracker: where scalars and steps go.
        steps: steps of all repetitions together.
    """

    def __init__(self, tracker: Tracker, steps: int) -> None:
        self.scalars = tracker.scalars
        self.advance = tracker.advance
        self._tracker = tracker
        self._steps = steps
        self._begun = False

    def begin_phase(self, stage: str, phase: str, steps: int, done: int) -> None:
        """Begin the phase of all repetitions if this is the first."""
        if not self._begun:
            self._tracker.begin_phase(stage, phase, self._steps, done)
            self._begun = True


@dataclass
class LoopRuns:
    """Runs the loop over a phase again and again as a run does: scalars, TensorBoard, progress bar, finite checks.

    Attributes:
        phase: the phase whose steps are taken.
        steps: steps of one repetition.
        config: the run's configuration, for how often the loop does what.
        events: where it reports to.
        inside: for each repetition what it took in all, and its steps alone.
    """

    phase: Phase
    steps: int
    config: RunConfig
    events: OneBar
    inside: list[tuple[Cost, Cost]] = field(default_factory=list)

    def repetition(self) -> Cost:
        """Run the loop once."""
        timed = Timed(self.phase.step)
        loop = Loop(
            OnePhase(replace(self.phase, steps=self.steps, step=timed, begin=None)),
            Nothing(),
            stage="final",
            first_step=len(self.inside) * self.steps,
            cadence=Cadence(
                log_every=self.config.tracker.log_every,
                validate_every=self.steps,
                checkpoint_every=self.steps,
                finite_every=self.config.runtime.finite_every or 1,
            ),
            events=self.events,
            selection=Selection(self.config.evaluator.select_metric),
        )
        whole = cost_of(loop.run)
        self.inside.append((whole, Cost(timed.cpu, timed.wall)))
        return whole


def loop_findings(name: str, overrides: Sequence[str], phase_name: str, effort: Effort, folder: Path) -> list[Finding]:
    """Measure what the loop adds to its steps, and what a checkpoint adds.

    Args:
        name: of the problem, for the report.
        overrides: the configuration.
        phase_name: phase whose steps the loop takes.
        effort: how long to measure.
        folder: an empty folder to write into.
    """
    config = problem.configuration(*overrides)
    parts = problem.stage(config)
    phase = problem.phase(parts, phase_name)
    steps = effort.steps(phase.step, multiple=config.tracker.log_every)
    tracker = Tracker(folder, config.tracker, progress=Bar(Console(file=io.StringIO(), force_terminal=True)))
    runs = LoopRuns(phase, steps, config, OneBar(tracker, (effort.repeats + 1) * steps))

    def bare_steps() -> Cost:
        return cost_of(lambda: [phase.step() for _ in range(steps)])

    (against_bare,) = interleaved(effort.repeats, runs.repetition, bare_steps, divide_by=steps)
    tracker.close()
    inside = quantities(runs.inside[1:], steps)
    what = f"{name}, phase {phase_name}"
    return [
        Finding("loop", f"{what}: loop", "its own steps, timed within it", inside, LOOP_AIM),
        Finding("loop", f"{what}: loop", "as many steps without it", against_bare, LOOP_AIM),
        _checkpoint_finding(what, config, parts, phase, effort, folder),
    ]


def _checkpoint_finding(
    what: str, config: RunConfig, parts: StageParts, phase: Phase, effort: Effort, folder: Path
) -> Finding:
    """Compare writing a checkpoint with the steps between two checkpoints."""
    checkpoints = Checkpoints(folder / "checkpoints", config.checkpoint.keep)
    sample = effort.steps(phase.step)
    scale = config.checkpoint.every / sample
    numbers = itertools.count()

    def write() -> Cost:
        return cost_of(lambda: checkpoints.save(next(numbers), {"parts": parts.state_dict()}))

    def between() -> Cost:
        cost = cost_of(lambda: [phase.step() for _ in range(sample)])
        return Cost(scale * cost.cpu, scale * cost.wall)

    (measured,) = interleaved(effort.repeats, write, between)
    size = checkpoints.files()[-1].stat().st_size / 2**20
    facts = {"size": f"{size:.1f} MiB", "steps between two": str(config.checkpoint.every)}
    return Finding("loop", f"{what}: one checkpoint", "the steps between two", measured, LOOP_AIM - 1, facts)


def step_findings(
    name: str, overrides: Sequence[str], phase_name: str, effort: Effort, topic: str = "step", rows: int | None = None
) -> list[Finding]:
    """Compare a step with its matrix products, and with these and the optimiser's update.

    Args:
        name: of the model, for the report.
        overrides: the configuration; every step of the phase should be alike.
        phase_name: phase whose steps are taken.
        effort: how long to measure.
        topic: what the findings belong to.
        rows: rows of a step, to report the cost of a thousand; None for no such report.
    """
    config = problem.configuration(*overrides)
    parts = problem.stage(config)
    phase = problem.phase(parts, phase_name)
    products = products_of(parts.model, phase.step)
    alone, updated = against_the_unavoidable(phase.step, bare(products), effort)
    flops = sum(product.flops for product in products)
    step_seconds, product_seconds = alone["cpu"].medians
    facts = {
        "floating-point operations": f"{flops / 1e6:.0f} million",
        "rate of the products": f"{flops / product_seconds / 1e9:.1f} GFLOP/s",
        "rate of the step": f"{flops / step_seconds / 1e9:.1f} GFLOP/s",
    }
    if rows is not None:
        facts["CPU seconds for 1,000 rows"] = f"{1000 / rows * step_seconds:.3f}"
    what = f"{name}, phase {phase_name}: step"
    return [
        Finding(topic, what, "its matrix products", alone, facts=facts),
        Finding(topic, what, "these and the optimiser's update", updated),
    ]
