"""What makes figures on sound zero-shot data mean less than they seem to; said in every result."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from zsl_runner.data.records import Rows, ZeroShotRecords

NAMED = 5


def zero_shot_warnings(records: ZeroShotRecords) -> Iterable[str]:
    """Yield a sentence on each figure that is constant or empty by construction, and on classes that look the same."""
    validation, training = records.validation_classes, np.setdiff1d(records.seen_classes, records.validation_classes)
    if len(validation) == 1:
        yield (
            f"the only validation class is {_names(records, validation)}: val/T1 is 100 whatever the model does; "
            "set dataset.validation_classes to 2 or more"
        )
    if len(records.unseen_classes) == 1:
        unseen = _names(records, records.unseen_classes)
        yield f"the only unseen class is {unseen}: test/T1 is 100 whatever the model does"
    if len(training) == 1:
        yield (
            f"the only seen class beside those for validation is {_names(records, training)}: the tune stage trains on "
            "a single class"
        )
    untested = np.setdiff1d(records.seen_classes, records.labels[records.test_seen])
    if len(untested):
        yield f"test_seen has no row of {_names(records, untested)}: test/S and test/H leave these seen classes out"
    counts = np.bincount(records.labels[records.trainval], minlength=len(records.class_vectors))
    if (counts[training] < 2).all():
        yield "no seen class has two training rows: none can be held out, and val/S is 0 whatever the model does"
    yield from _alike(records)


def _alike(records: ZeroShotRecords) -> Iterable[str]:
    _, groups, sizes = np.unique(records.class_vectors, axis=0, return_inverse=True, return_counts=True)
    for group in np.flatnonzero(sizes > 1):
        classes = np.flatnonzero(groups.ravel() == group)
        yield f"{_names(records, classes)} have the same class vector: no model can tell them apart"


def _names(records: ZeroShotRecords, classes: Rows) -> str:
    named = ", ".join(records.class_names[label] for label in classes[:NAMED])
    return named + (f" and {len(classes) - NAMED} more" if len(classes) > NAMED else "")
