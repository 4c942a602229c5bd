"""Assigns rows that nobody labelled to classes, by the newest checkpoint of a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from zsl_runner.evaluate.opening import open_with_classes, said_of
from zsl_runner.evaluate.scores import described, written
from zsl_runner.report.scores import ASSIGNED


def assign(
    directory: Path,
    rows: str,
    predictions: Path,
    classes: str | None = None,
    device: str = "auto",
    batch_size: int | None = None,
    root: Path | None = None,
) -> dict[str, Any]:
    """Assign rows that nobody labelled to classes, by the newest checkpoint of a run, and write them to a file.

    Args:
        directory: the run's directory.
        rows: ``FILE`` or ``FILE:VARIABLE`` of the features, in the scale of the run's data set.
        predictions: where to write the table of all rows.
        classes: see `open_with_classes`; likewise all that follow.
        device: where to compute.
        batch_size: rows scored at a time.
        root: where the run's own data are.

    Returns:
        What `zsl_runner.evaluate.scores.evaluate` yields, without metrics.

    Raises:
        RunError: the run or the files cannot be used, or do not fit together.
    """
    from zsl_runner.data.command.importing.unlabelled import read_rows

    given = read_rows(rows)
    run = open_with_classes(directory, classes, device, batch_size, root)
    with said_of(given.features):
        blocks = run.assign(given.features.value)
    (found,) = written(predictions, blocks, run.classes, given.images)
    from zsl_runner.evaluation.class_tables import assignments

    return {
        **described(run),
        "rows": given.features.origin,
        "predictions": str(predictions),
        "tables": {ASSIGNED: assignments(found, run.classes).plain()},
    }
