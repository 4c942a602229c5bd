"""Which seen classes play *unseen* in the tune stage."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zsl_runner.data.records import Rows
from zsl_runner.data.sources.xlsa17.layout import SplitTable
from zsl_runner.data.zero_shot.draws import draw_validation_classes
from zsl_runner.errors import DataError
from zsl_runner.files.names import misnamed, normal, read_names, some


def validation_classes(
    splits_file: str, splits: SplitTable, labels: Rows, count: int | None, seed: int
) -> tuple[Rows, tuple[str, ...]]:
    """Return the validation classes, ascending, and notes on how they were chosen.

    In published files ``train_loc`` and ``val_loc`` together hold rows of ``test_seen_loc``. Both are cut down to
    ``trainval_loc`` here, and nothing but the partition of the seen classes is taken from them. Without them, or if
    they do not divide the classes, the classes are drawn.

    Args:
        splits_file: name of the splits file, for the notes.
        splits: its content.
        labels: (N,) 0-based labels.
        count: draw so many classes instead of taking the file's.
        seed: seed of the draw.

    Raises:
        DataError: ``count`` leaves no class to train on.
    """
    seen = np.unique(labels[splits.trainval])

    def drawn(reason: str) -> tuple[Rows, tuple[str, ...]]:
        chosen = draw_validation_classes(seen, count, seed)
        return chosen, (f"{len(chosen)} validation classes drawn with seed {seed}: {reason}",)

    if count is not None:
        return drawn("dataset.validation_classes")
    if splits.train is None or splits.val is None:
        return drawn(f"{splits_file} has no train_loc and val_loc")
    train, val = np.intersect1d(splits.train, splits.trainval), np.intersect1d(splits.val, splits.trainval)
    train_classes, val_classes = np.unique(labels[train]), np.unique(labels[val])
    if not len(train) or not len(val) or len(np.intersect1d(train_classes, val_classes)):
        return drawn(f"train_loc and val_loc of {splits_file} do not divide the classes")
    dropped = [len(np.unique(whole)) - len(cut) for whole, cut in ((splits.train, train), (splits.val, val))]
    return val_classes, (
        f"{len(val_classes)} validation classes of val_loc",
        f"rows of train_loc and val_loc outside trainval_loc dropped: {dropped[0]} and {dropped[1]}",
    )


def named_classes(path: Path, splits_file: str, splits: SplitTable, labels: Rows) -> tuple[Rows, tuple[str, ...]]:
    """Return the validation classes that a text file names, ascending, and a note that it does.

    Args:
        path: the file, a name in each line.
        splits_file: name of the splits file, which names all classes.
        splits: its content.
        labels: (N,) 0-based labels.

    Raises:
        DataError: the file cannot be read, or names unknown or unseen classes, one twice, or all of the seen ones;
            or the classes have no names.
    """
    if splits.names is None:
        raise DataError(
            f"{path}: expected names of classes, but {splits_file} has no allclasses_names to look them up in; "
            "set dataset.validation_file=null"
        )
    names = [normal(name) for name in splits.names]
    chosen = read_names(path, "names of classes")
    wrong = misnamed(chosen, names, "names of seen classes, one in each line")
    if wrong:
        raise DataError(f"{path}: {wrong}")
    numbers = {name: number for number, name in enumerate(names)}
    classes, seen = np.array(sorted(numbers[name] for name in chosen)), np.unique(labels[splits.trainval])
    unseen = np.setdiff1d(classes, seen)
    if len(unseen):
        raise DataError(
            f"{path}: expected seen classes, found {some(names[number] for number in unseen)} without rows to train on"
        )
    if len(classes) == len(seen):
        raise DataError(
            f"{path}: expected some of the {len(seen)} seen classes, found all; at least one must be left to train on"
        )
    return classes, (f"{len(classes)} validation classes named in {path.name}",)
