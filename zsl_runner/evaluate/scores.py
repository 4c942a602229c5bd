"""Scores the newest checkpoint of a run, and keeps the scores."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zsl_runner.console import frame
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.files.writing import remove_leftovers, writable, write_parts, write_text
from zsl_runner.report.scores import CLASSES, CONFUSIONS

if TYPE_CHECKING:
    from zsl_runner.data.records import Records
    from zsl_runner.data.stages import AnyFold
    from zsl_runner.evaluation.predictions import Decided, Predictions
    from zsl_runner.runs.trained import TrainedRun

TEST_ROWS = "the predictions are of test rows: a setting chosen by them is chosen on test labels"


def evaluate(
    directory: Path,
    device: str = "auto",
    batch_size: int | None = None,
    predictions: Path | None = None,
    data: Path | None = None,
    settings: Sequence[str] = (),
    root: Path | None = None,
) -> Iterator[dict[str, Any]]:
    """Score the newest checkpoint of the run in ``directory``: once, or once for each combination of settings.

    Args:
        directory: the run's directory.
        device: where to compute.
        batch_size: rows scored at a time; None takes the run's.
        predictions: where to write a table of all scored rows, for one combination alone; None writes none.
        data: folder of other rows to score; None takes the run's own.
        settings: other settings of the run's evaluator, see `zsl_runner.config.rescore.rescored`; only for a run that
            is scored on validation rows.
        root: folder that the run's own data were moved to; None takes the run's.

    Yields:
        ``metrics`` by tag, in per cent unless ``quantities`` says otherwise (by name without prefix), ``tables`` by
        name, ``warnings``, and what they belong to: ``run``, ``checkpoint_step``, ``stage``, ``steps_done``,
        ``complete`` (whether the stage was finished), ``settings``, ``data`` (with checksums), with predictions their
        file.

    Raises:
        ConfigError: ``settings`` are refused, or would give several tables of predictions.
        RunError: the run, its checkpoints or the data cannot be used, the evaluator predicts no classes, or the file
            cannot be written.
    """
    evaluators = {}
    if settings:
        from zsl_runner.config.rescore import rescored  # Hydra is imported only where it reads something

        evaluators = rescored(directory, settings)
        if predictions is not None and len(evaluators) > 1:
            raise ConfigError("--predictions: one file has the scores under one setting; give one value of each key")
    with frame.lasting():
        from zsl_runner.runs.opened import open_run  # torch is imported only when something is scored
    run = open_run(directory, device, batch_size, root)
    rows = (run.fold, run.data, []) if data is None else run.other_rows(data)
    if not evaluators:
        yield _scores(run, rows, predictions)
    for combination, (conf, without_effect) in evaluators.items():
        conf.batch_size = conf.batch_size if batch_size is None else batch_size
        yield _scores(run.scored_by(conf), (*rows[:2], rows[2] + without_effect), predictions, combination)


def _scores(
    run: TrainedRun,
    rows: tuple[AnyFold, Records, list[str]],
    predictions: Path | None,
    settings: Sequence[str] = (),
) -> dict[str, Any]:
    from zsl_runner.evaluation.base import measured

    fold, records, remarks = rows
    measurement = measured(run.evaluator, run.stage, run.model, fold, run.choices)
    scores: dict[str, Any] = {
        **described(run),
        "settings": list(settings),
        "data": records.origin(),
        "metrics": {tag: value for tag, value in measurement.metrics.items() if tag not in measurement.undefined},
        "tables": {name: table.plain() for name, table in measurement.tables.items()},
        "warnings": [*measurement.warnings(), *remarks],
        "quantities": {name: asdict(quantity) for name, quantity in run.config.evaluator.quantities.items()},
    }
    if predictions is not None:
        from zsl_runner.evaluation.class_tables import class_accuracies, confusions

        groups = written(predictions, run.evaluator.predictions(fold.evaluation, measurement), run.classes)
        scores["predictions"] = str(predictions)
        scores["tables"] |= {
            CLASSES: class_accuracies(groups, run.classes).plain(),
            CONFUSIONS: confusions(groups, run.classes).plain(),
        }
        if fold.evaluation.name == "test":
            scores["warnings"].append(TEST_ROWS)
    return scores


def written(
    predictions: Path, blocks: Iterable[Predictions], class_names: Sequence[str], images: Sequence[str] | None = None
) -> list[Decided]:
    """Write rows block by block, so that they are scored once and no scores are kept; return each group's classes."""
    from zsl_runner.evaluation.predictions import as_csv, joined

    decided: list[Decided] = []

    def noting() -> Iterator[Predictions]:
        for block in blocks:
            decided.append(block.decided)
            yield block

    write_parts(predictions, as_csv(noting(), class_names, images))
    return joined(decided)


def described(run: TrainedRun) -> dict[str, Any]:
    """Return which run it is and how far it is."""
    return {
        "run": str(run.directory),
        "checkpoint_step": run.step,
        "stage": run.stage,
        "steps_done": run.steps_done,
        "complete": run.complete,
    }


def keep(directory: Path, scores: dict[str, Any]) -> Path:
    """Write ``scores`` to a new file in ``directory/evaluations`` and return its path; nothing is overwritten.

    Raises:
        RunError: the file cannot be written, e.g. on a full or read-only disk.
    """
    folder = directory / "evaluations"
    with writable(folder):
        folder.mkdir(exist_ok=True)
        remove_leftovers(folder)
        for repeat in count(1):
            path = folder / f"step-{scores['checkpoint_step']:09d}{'' if repeat == 1 else f'.{repeat}'}.json"
            try:
                path.touch(exist_ok=False)  # the name is ours
            except FileExistsError:
                continue
            break
    try:
        write_text(path, json.dumps(scores, indent=2))
    except RunError:
        with contextlib.suppress(OSError):
            path.unlink()
        raise
    return path
