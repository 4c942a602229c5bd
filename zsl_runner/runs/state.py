"""How far a run has come: its finished stages, the time it took, and what its record says of both."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from zsl_runner.config.schema import EvaluatorConf
from zsl_runner.config.vocabulary import VALIDATING
from zsl_runner.runs.result import Result, peak_memory


@dataclass
class StageRecord:
    """What a finished stage leaves behind.

    Attributes:
        steps: steps done.
        length: training length in the weights (smaller after rollbacks).
        best: metrics of the best validation, empty without validation.
        best_length: training length at that validation.
        best_choices: what the evaluator chose there.
        last: metrics of the last validation whose weights were kept.
        last_choices: what the evaluator chose there.
        gradient_steps: optimiser steps.
        real_rows: labelled real rows minimised.
        seconds: wall time.
        graphs: variants of steps that were replayed, by ``<stage>/<phase>``; none where nothing is captured. Of a phase
            in which a run was resumed, those of the last process.
        eager_variants: likewise those that were not replayed, although steps are captured.
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
    graphs: dict[str, int] = field(default_factory=dict)
    eager_variants: dict[str, int] = field(default_factory=dict)


def records(state: Mapping[str, Any]) -> dict[str, StageRecord]:
    """Return the finished stages that a checkpoint's state knows, by name."""
    return {name: StageRecord(**record) for name, record in state["finished"].items()}


def validated(finished: Mapping[str, StageRecord]) -> StageRecord | None:
    """Return the finished stage that looked at validation data, of which a run has one at most."""
    return next((finished[stage] for stage in VALIDATING if stage in finished), None)


def chosen(finished: Mapping[str, StageRecord], select: str) -> dict[str, float]:
    """Return what the evaluator chose on validation data for the selected training length (``last`` or ``val``)."""
    tuned = validated(finished)
    if tuned is None:
        return {}
    return tuned.best_choices if select == "val" else tuned.last_choices


def _of_stage(stage: str, warning: str) -> str:
    return f"stage {stage}: {warning}"


class RunState:
    """What a run has done so far, over all its processes.

    Args:
        result: the run's record, which is kept in step.

    Attributes:
        finished: what each finished stage left behind.
    """

    def __init__(self, result: Result) -> None:
        self.result = result
        self.finished: dict[str, StageRecord] = {}
        self._wall_before = 0.0
        self._cpu_before = 0.0
        self._started = time.perf_counter()
        self._cpu_started = time.process_time()  # the process may have worked on other runs of a sweep before

    def warn(self, warnings: Iterable[str]) -> None:
        """Put warnings into the record behind those that are there, each once."""
        self.result.warnings = list(dict.fromkeys((*self.result.warnings, *warnings)))

    def warn_of_training(self, stage: str, warnings: Sequence[str], *, is_last: bool) -> None:
        """Put what the training of a stage says into the record.

        What the last stage says counts for the result and stands alone; what an earlier one says, and the last one does
        not, stands behind the earlier one's name.
        """
        if not is_last:
            self.warn(_of_stage(stage, warning) for warning in warnings)
            return
        repeated = {_of_stage(earlier, warning) for earlier in self.finished for warning in warnings}
        self.result.warnings = [warning for warning in self.result.warnings if warning not in repeated]
        self.warn(warnings)

    def state_dict(self) -> dict[str, Any]:
        """Return what a checkpoint keeps of it."""
        return {
            "finished": {name: asdict(record) for name, record in self.finished.items()},
            "metrics": dict(self.result.metrics),
            "tables": dict(self.result.tables),
            "warnings": list(self.result.warnings),
            "wall": self._wall(),
            "cpu": self._cpu(),
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take up the state that `state_dict` returned in an earlier process."""
        self.finished = records(state)
        self.result.metrics = dict(state["metrics"])
        self.result.tables = dict(state.get("tables", {}))
        self.warn(state.get("warnings", ()))
        self._wall_before, self._cpu_before = state["wall"], state["cpu"]

    def conclude(self, evaluator: EvaluatorConf, device_memory: float | None = None) -> None:
        """Put selection, its validation metrics and the run's cost into the record of a run whose stages are done.

        Args:
            evaluator: the options of the evaluator.
            device_memory: see `Runtime.device_memory`.
        """
        tuned, finished = validated(self.finished), self.finished
        if tuned is not None:
            self.result.validation = tuned.best if evaluator.select == "val" else tuned.last
        self.result.selection = {
            "mode": evaluator.select,
            "metric": evaluator.select_metric,
            "stage_lengths": {name: record.length for name, record in finished.items()},
            "best_validation_length": tuned.best_length if tuned is not None else None,
            **chosen(finished, evaluator.select),
        }
        self.warn(self._undone(evaluator.select))
        self.result.cost = {
            "wall_seconds": self._wall(),
            "cpu_seconds": self._cpu(),
            "peak_memory_mb": peak_memory(),
            **({} if device_memory is None else {"device_memory_mb": device_memory}),
            "gradient_steps": {name: record.gradient_steps for name, record in finished.items()},
            "real_rows": {name: record.real_rows for name, record in finished.items()},
            "stage_seconds": {name: record.seconds for name, record in finished.items()},
            "graphs": {phase: n for record in finished.values() for phase, n in record.graphs.items()},
            "eager_variants": {phase: n for record in finished.values() for phase, n in record.eager_variants.items()},
        }

    def _undone(self, select: str) -> list[str]:
        """Return that the validating stage undid steps, and the last one did not: they are of two trainings."""
        tuned = validated(self.finished)
        if select != "last" or tuned is None:
            return []
        last = list(self.finished)[-1]
        tested = self.finished[last]
        if tuned.length == tuned.steps or tested.length != tested.steps:
            return []
        return [
            f"validation metrics are of weights with {tuned.length:,} of {tuned.steps:,} steps, as validation undid "
            f"the others, and stage {last} keeps all of its {tested.steps:,}. With evaluator.select=val it ends after "
            "as many steps as the best weights have"
        ]

    def _wall(self) -> float:
        return self._wall_before + time.perf_counter() - self._started

    def _cpu(self) -> float:
        return self._cpu_before + time.process_time() - self._cpu_started
