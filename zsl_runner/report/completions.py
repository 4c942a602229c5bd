"""Completions of the same images by several finished runs, on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from torch import Tensor

from zsl_runner.config.paths import shown
from zsl_runner.config.vocabulary import Provision
from zsl_runner.errors import RunError
from zsl_runner.evaluation.likelihood.evaluator import LikelihoodEvaluator
from zsl_runner.evaluation.likelihood.figures import completion_rows
from zsl_runner.models.output_prediction import OutputPredictor

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from zsl_runner.runs.trained import TrainedRun

SHARED = ("observed", "truth")


def side_by_side(runs: Sequence[TrainedRun], samples: int) -> Figure:
    """Draw the observed quadrants, the truth, and below them of each run its prediction and its first samples.

    Args:
        runs: runs on the same completion data.
        samples: drawn predictions of each run that has codes.

    Raises:
        RunError: no run, a run that completes no images, or one on other quadrants or other images than the first.
    """
    from zsl_runner.tracking.figures.sheets import picture_sheet

    lines: dict[str, Tensor] = {}
    for run, label in zip(runs, _labels(runs), strict=True):
        rows = _rows(run, samples)
        if any(name in lines and not lines[name].equal(rows[name]) for name in SHARED):
            raise RunError(f"{run.directory}: completes other images or other quadrants than {runs[0].directory}")
        lines |= {name: rows[name] for name in SHARED}
        lines |= {f"{label}: {name}": row for name, row in rows.items() if name not in SHARED}
    if not lines:
        raise RunError("no run to draw; give one or more run directories")
    return picture_sheet(lines, "The same images completed by several runs")


def _rows(run: TrainedRun, samples: int) -> dict[str, Tensor]:
    evaluator, data = run.evaluator, run.fold.evaluation
    completes = Provision.COMPLETION in run.config.dataset.provides
    if not isinstance(evaluator, LikelihoodEvaluator) or not completes or not isinstance(run.model, OutputPredictor):
        raise RunError(f"{run.directory}: expected a run that completes images, e.g. one on dataset=mnist_quadrant")
    rows = completion_rows(run.model, data, data.layout, evaluator.conf.drawn_samples, evaluator.seed)
    drawn = [name for name in rows if name.startswith("sample ")]
    return {name: row for name, row in rows.items() if name not in drawn[samples:]}


def _labels(runs: Sequence[TrainedRun]) -> list[str]:
    """Return the runs' models and trainers, with their directories where several have the same."""
    methods = [(run.config.model.name, run.config.trainer.name) for run in runs]
    names = [model if model == trainer else f"{model}, {trainer}" for model, trainer in methods]
    return [
        name if names.count(name) == 1 else f"{name}, {shown(run.directory)}"
        for name, run in zip(names, runs, strict=True)
    ]
