"""Writes features that the newest checkpoint of a run generates, for classifiers and programs elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from zsl_runner.evaluate.opening import open_with_classes
from zsl_runner.evaluate.scores import described
from zsl_runner.files.arrays import write_arrays

if TYPE_CHECKING:
    from zsl_runner.runs.trained import TrainedRun

UNSEEN: Final = "unseen"
GROUPS: Final = (UNSEEN, "seen", "all")


def generate(
    directory: Path,
    output: Path,
    of: str = UNSEEN,
    count: int = 100,
    seed: int = 0,
    classes: str | None = None,
    device: str = "auto",
    root: Path | None = None,
) -> dict[str, Any]:
    """Write generated features of some classes, in the scale of the data set, with the classes' names.

    The file holds ``features``, (C * count, D) float32, the rows of a class one after the other, and ``labels``, the
    name of the class of each row; ``zsl-data import`` reads both. The same arguments give the same bytes on a machine.

    Args:
        directory: the run's directory.
        output: the ``.npz`` file, which must not exist yet.
        of: ``unseen``, ``seen`` or ``all`` classes of the stage, or names with commas between.
        count: features of each class.
        seed: see `zsl_runner.runs.trained.TrainedRun.generate`.
        classes: see `open_with_classes`; likewise the others.
        device: where to compute.
        root: where the run's own data are.

    Returns:
        What `zsl_runner.evaluate.scores.evaluate` yields of the run, the file, and what is in it.

    Raises:
        RunError: the run generates no features of classes, a class is unknown, or a file cannot be used or written.
    """
    run = open_with_classes(directory, classes, device, None, root)
    chosen = _chosen(run, of)
    features = run.generate(chosen, count, seed)
    names = [run.classes[label] for label in chosen]
    labels = np.repeat(np.asarray(names, dtype=str), count)
    write_arrays(output, {"features": features.reshape(len(labels), -1), "labels": labels})
    return {
        **described(run),
        "generated": str(output),
        "classes": names,
        "rows_of_each": count,
        "width": features.shape[-1],
        "seed": seed,
    }


def _chosen(run: TrainedRun, of: str) -> list[int]:
    """Return the numbers of the classes that are wanted, each once."""
    from zsl_runner.data.zero_shot.new_rows import class_ids, zero_shot_fold

    if of not in GROUPS:
        return list(dict.fromkeys(class_ids([name.strip() for name in of.split(",")], run.classes)))
    data = zero_shot_fold(run.fold).evaluation
    groups: dict[str, list[int]] = {"seen": data.seen_classes.tolist(), UNSEEN: data.unseen_classes.tolist()}
    return groups.get(of, [*groups["seen"], *groups[UNSEEN]])
