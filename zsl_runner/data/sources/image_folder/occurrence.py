"""Demands that every class that is named has pixels to learn from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from zsl_runner.data.pairs.segmentation.records import VOID
from zsl_runner.data.records import Rows
from zsl_runner.data.sources.image_folder.conf import ImageFolderConf
from zsl_runner.errors import DataError
from zsl_runner.files.names import some


def check_classes(
    conf: ImageFolderConf, labels: NDArray[np.uint8], train: Rows, values: Sequence[tuple[int, ...]]
) -> None:
    """Refuse training masks without a pixel of a class; the background may be absent.

    Args:
        conf: names the classes.
        labels: (N, H, W) of all images.
        train: rows of the training images.
        values: for each image what its mask's file holds, see `PicturePair.values`.

    Raises:
        DataError: naming the classes, what the masks hold and the option that would mend it.
    """
    counts = np.bincount(labels[train].ravel(), minlength=VOID + 1)
    absent = [label for label in range(1, len(conf.classes)) if not counts[label]]
    if not absent:
        return
    stored = sorted(set().union(*(values[row] for row in train)))
    kind = "values" if conf.colours is None else "colours"
    shown = some(str(value) if conf.colours is None else f"{value:06x}" for value in stored)
    raise DataError(
        f"{conf.folder(conf.masks)}: expected pixels of every class of dataset.classes in the training masks, found "
        f"none of {some(conf.classes[label] for label in absent)} (the masks hold the {kind} {shown}); "
        f"{_remedy(conf, absent[0], stored, labels, bool(counts[VOID]))}"
    )


def _remedy(conf: ImageFolderConf, label: int, stored: Sequence[int], labels: NDArray[np.uint8], void: bool) -> str:
    """Return what would give the class with a label some pixels."""
    if (labels == label).any():
        drawn = "the lists of names" if conf.shares is None else "dataset.shares or dataset.split_seed"
        return f"other splits have some: change {drawn}"
    if conf.threshold is not None:
        in_file = stored[-1] > conf.threshold
    else:
        in_file = (label if conf.colours is None else int(conf.colours[label], 16)) in stored
    if in_file:
        return f"resizing to dataset.side={conf.side} leaves none: choose a larger side"
    if conf.threshold is not None:
        return f"no value is above dataset.threshold={conf.threshold}: choose a smaller one"
    if void:
        two = "dataset.threshold=127 dataset.void=null" if len(conf.classes) == 2 else "dataset.void=null"
        return f"dataset.void={conf.void} counts nowhere: if it stands for a class, use {two}"
    return "name only classes that occur"
