"""What the options of the group ``debug`` do to any trainer: its phases are shortened, watched or recorded and shown.

Data for ``debug.overfit`` are cut down where a stage is built, by the training set's own ``limited``. Nothing here is
imported or called by a run without such options.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch.profiler import ProfilerActivity, profile

from zsl_runner.config.sections import DebugConf
from zsl_runner.errors import NonFiniteError, RunError
from zsl_runner.tracking.tracker import Tracker
from zsl_runner.training.base import Phase, StepReport, Trainer

if TYPE_CHECKING:
    from matplotlib.figure import Figure


WARM_UP = 1
"""Steps before those that are recorded: the first one also allocates memory and picks kernels."""
_OPERATION = re.compile(r"Function '(\w+?)(?:Backward\d*)?' returned nan values")
_OWN_FRAME = re.compile(r'File "[^"]*?(zsl_runner/[^"]+)", line (\d+), in (\w+)\n\s*(.+)')


@dataclass(frozen=True)
class Share:
    """What one operation took of the recorded steps.

    Attributes:
        name: torch's name of the operation.
        seconds: time spent in it and not in operations it called, for one step.
        calls: calls in one step.
    """

    name: str
    seconds: float
    calls: float


@dataclass(frozen=True)
class Recording:
    """A phase's recorded steps.

    Attributes:
        stage: the stage.
        phase: the phase.
        steps: number of recorded steps.
        trace: file of the trace, for Perfetto or a browser's about:tracing.
        table: the operations as text, the most expensive first.
        shares: the same as numbers.
    """

    stage: str
    phase: str
    steps: int
    trace: Path
    table: str
    shares: Sequence[Share]


class DebuggedTrainer(Trainer):
    """The phases of a trainer, changed as the options say, for the loop, which asks for nothing else of a trainer.

    Args:
        trainer: the trainer.
        conf: the options.
        stage: the stage it works in.
        folder: where traces go.
        record: told of every recording.
    """

    def __init__(
        self, trainer: Trainer, conf: DebugConf, stage: str, folder: Path, record: Callable[[Recording], None]
    ) -> None:
        self.context = trainer.context
        self._trainer = trainer
        self._conf = conf
        self._stage = stage
        self._folder = folder
        self._record = record

    def phases(self) -> Sequence[Phase]:
        """Return the trainer's phases, changed."""
        return [self._changed(phase) for phase in self._trainer.phases()]

    def _changed(self, phase: Phase) -> Phase:
        conf = self._conf
        if conf.steps is not None and not phase.whole:
            phase = replace(phase, steps=min(phase.steps, conf.steps))
        if conf.anomaly:
            phase = replace(phase, step=Watched(phase.step, f"{self._stage}/{phase.name}"))
        if conf.profile is not None:
            steps = min(conf.profile, phase.steps)
            warm_up = min(WARM_UP, phase.steps - steps)
            phase = replace(phase, step=Recorded(phase.step, warm_up, steps, self._recorder(phase.name, steps)))
        return phase

    def _recorder(self, phase: str, steps: int) -> Callable[[profile], None]:
        def write(recorded: profile) -> None:
            trace = self._folder / f"{self._stage}-{phase}.pt.trace.json.gz"
            try:
                self._folder.mkdir(exist_ok=True)
                trace.unlink(missing_ok=True)  # of the same phase, before a resume
                recorded.export_chrome_trace(str(trace))
            except OSError as error:  # torch writes a temporary file first, and names neither
                with suppress(OSError):
                    trace.unlink(missing_ok=True)
                raise RunError(f"{trace}: cannot be written: {error.strerror or error}") from error
            averages = recorded.key_averages()
            on_device = self.context.runtime.device.type != "cpu"
            order = "self_device_time_total" if on_device else "self_cpu_time_total"
            shares = [Share(a.key, getattr(a, order) / 1e6 / steps, a.count / steps) for a in averages]
            shares.sort(key=lambda share: -share.seconds)
            table = averages.table(sort_by=order, row_limit=25, max_name_column_width=40)
            self._record(Recording(self._stage, phase, steps, trace, table, shares))

        return write


class Watched:
    """A step under autograd's anomaly mode, with an error that names operation and place.

    Args:
        step: the step.
        where: stage and phase, for the error.
    """

    def __init__(self, step: Callable[[], StepReport], where: str) -> None:
        self._step = step
        self._where = where

    def __call__(self) -> StepReport:
        """Take the step.

        Raises:
            NonFiniteError: a gradient is NaN.
        """
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            try:
                with torch.autograd.set_detect_anomaly(True):
                    report = self._step()
            except RuntimeError as error:
                found = _OPERATION.search(str(error))
                if found is None:
                    raise
                message = "".join(str(warning.message) for warning in caught)
                raise NonFiniteError(
                    f"{self._where}: the gradient of {found[1]} is NaN{_place(message)}; "
                    "what goes into it is out of its domain or too large"
                ) from error
        for warning in caught:
            warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
        return report


def _place(message: str) -> str:
    """Return the line of ours that called the operation, from the traceback torch puts into a warning."""
    frames = _OWN_FRAME.findall(message)
    if not frames:
        return ""
    file, line, function, code = frames[-1]
    return f", which {file}:{line} ({function}) calls: {code.strip()}"


class Recorded:
    """A step of which some calls are recorded by torch's profiler.

    Args:
        step: the step.
        warm_up: calls before the recording.
        steps: calls to record.
        finish: told of the profiler when it has stopped.
    """

    def __init__(
        self, step: Callable[[], StepReport], warm_up: int, steps: int, finish: Callable[[profile], None]
    ) -> None:
        self._step = step
        self._first, self._last = warm_up + 1, warm_up + steps
        self._finish = finish
        self._taken = 0
        self._profiler: profile | None = None

    def __call__(self) -> StepReport:
        """Take the step."""
        self._taken += 1
        if self._taken == self._first:
            activities = [ProfilerActivity.CPU]
            if torch.cuda.is_available():
                activities.append(ProfilerActivity.CUDA)
            self._profiler = profile(activities=activities)
            self._profiler.start()
        report = self._step()
        if self._profiler is not None and self._taken == self._last:
            self._profiler.stop()
            self._finish(self._profiler)
            self._profiler = None
        return report


def show(recording: Recording, tracker: Tracker) -> None:
    """Write the table of a recording to TensorBoard and draw its operations; the trace is a file of its own."""
    name = f"{recording.stage}/{recording.phase}"
    tracker.text(f"profile/{name}", f"{recording.steps} steps; trace: {recording.trace}\n\n```\n{recording.table}\n```")

    def draw() -> Figure:
        from zsl_runner.tracking.figures.profile import operations

        shares = [(share.name, share.seconds, share.calls) for share in recording.shares]
        return operations(shares, name)

    tracker.figure(f"profile_{recording.stage}_{recording.phase}", draw, 0)
