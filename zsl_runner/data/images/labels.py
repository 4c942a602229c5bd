"""Which training images keep their label. Never imports torch."""

from __future__ import annotations

import numpy as np

from zsl_runner.data.records import Rows
from zsl_runner.errors import OptionError


def labelled_rows(labels: Rows, rows: Rows, classes: int, count: int | None, seed: int, origin: str) -> Rows:
    """Draw training rows with a label, class by class, class sizes differing by one at most.

    With one seed a smaller draw is part of a larger one. Of classes that get one row more than others the seed decides.

    Args:
        labels: (N,) of the whole data set.
        rows: training rows.
        classes: number K of classes.
        count: how many; None takes all rows.
        seed: seed of the draw.
        origin: the data's origin, for messages.

    Returns:
        Ascending row indices.

    Raises:
        DataError: a class would have no labelled image, or has too few.
    """
    if count is None:
        return np.sort(rows)
    if count > len(rows):
        raise OptionError(
            f"{origin}: dataset.labelled={count:,} asks for more labels than there are training images ({len(rows):,})"
        )
    if count < classes:
        raise OptionError(
            f"{origin}: dataset.labelled={count} leaves classes without a labelled image; there are {classes} classes"
        )
    generator = np.random.default_rng(seed)
    more = set(generator.permutation(classes)[: count % classes].tolist())
    drawn = []
    for label in range(classes):
        members = generator.permutation(rows[labels[rows] == label])
        wanted = count // classes + (label in more)
        if len(members) < wanted:
            raise OptionError(
                f"{origin}: dataset.labelled={count:,} asks for {wanted} labelled images of class {label}, "
                f"which has {len(members)} training images; ask for fewer"
            )
        drawn.append(members[:wanted])
    return np.sort(np.concatenate(drawn))
