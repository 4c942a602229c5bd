"""Each invariant of the records is reported in words; sound records give none."""

import dataclasses

import numpy as np
import pytest

from zsl_runner.data.records import Provenance, checked
from zsl_runner.errors import DataError


def test_sound_records_have_no_problems(records):
    assert records.problems() == []
    assert checked(records, "here") is records


def with_value(array, position, value):
    changed = array.copy()
    changed[position] = value
    return changed


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda r: {"features": with_value(r.features, (3, 1), np.nan)}, "features: expected finite values, found NaN"),
        (lambda r: {"features": with_value(r.features, (3, 1), -np.inf)}, "in 1 of 270 rows"),
        (lambda r: {"class_vectors": with_value(r.class_vectors, (0, 0), np.inf)}, "class_vectors: expected finite"),
        (lambda r: {"features": np.ones_like(r.features)}, "features: expected rows that differ, found 270 equal ones"),
        (
            lambda r: {"features": r.features * np.float32(1e30)},
            "features: expected a largest value of 1e-10 to 1e+15 in size, found",
        ),
        (lambda r: {"features": with_value(r.features, (3, 1), -2e15)}, "found 2e+15: correct a damaged value, or"),
        (lambda r: {"features": r.features * np.float32(1e-30)}, "features: expected a largest value of 1e-10 to"),
        (lambda r: {"class_vectors": r.class_vectors * np.float32(1e30)}, "class_vectors: expected a largest value of"),
        (
            lambda r: {"class_vectors": np.ones_like(r.class_vectors)},
            "class_vectors: expected rows that differ, found 9",
        ),
        (lambda r: {"features": r.features[:, :0]}, "features: expected a non-empty matrix, found shape (270, 0)"),
        (lambda r: {"features": r.features.astype(np.float64)}, "features: expected float32, found float64"),
        (lambda r: {"labels": r.labels[:-1]}, "labels: expected 270 (one per feature row), found shape (269,)"),
        (
            lambda r: {"labels": with_value(r.labels, 0, -1)},
            "labels: expected 0..8 (one class vector per class), found -1",
        ),
        (lambda r: {"labels": with_value(r.labels, 0, 9)}, "found 0..9"),
        (lambda r: {"class_names": r.class_names[1:]}, "class_names: expected 9 (one per class vector), found 8"),
        (lambda r: {"unseen_classes": np.array([5, 6, 7, 8])}, "seen and unseen must be disjoint, both hold 5"),
        (lambda r: {"unseen_classes": np.array([6, 8])}, "expected rows of every class, found none of 7"),
        (lambda r: {"seen_classes": r.seen_classes[::-1]}, "seen_classes: expected class ids in ascending order"),
        (lambda r: {"validation_classes": np.array([6])}, "some but not all of the seen classes, found 6 outside them"),
        (lambda r: {"validation_classes": r.seen_classes}, "some but not all of the seen classes, found all of them"),
        (lambda r: {"validation_classes": r.seen_classes[:0]}, "validation_classes: expected class ids"),
        (lambda r: {"trainval": r.trainval[:0]}, "trainval: expected row indices, found none"),
        (lambda r: {"test_seen": np.append(r.test_seen, 270)}, "test_seen: expected row indices in 0..269, found"),
        (lambda r: {"test_seen": np.append(r.test_seen, -1)}, "test_seen: expected row indices in 0..269, found -1"),
        (lambda r: {"test_seen": np.append(r.test_seen, r.trainval[0])}, "1 rows occur more than once"),
        (lambda r: {"test_seen": np.append(r.test_seen, r.test_seen[0])}, "1 rows occur more than once"),
        (lambda r: {"test_unseen": np.append(r.test_unseen, r.trainval[0])}, "test_unseen: holds rows of classes 0"),
        (
            lambda r: {"trainval": r.trainval[r.labels[r.trainval] != 2]},
            "trainval: expected rows of every class, found none",
        ),
    ],
)
def test_each_violation_is_named(records, change, expected):
    broken = dataclasses.replace(records, **change(records))
    assert any(expected in problem for problem in broken.problems()), broken.problems()
    with pytest.raises(DataError, match="here: the data are inconsistent"):
        checked(broken, "here")


def test_all_violations_are_reported_together(records):
    broken = dataclasses.replace(
        records,
        features=with_value(records.features, (0, 0), np.nan),
        class_names=(),
        test_seen=np.append(records.test_seen, records.trainval[0]),
    )
    assert len(broken.problems()) == 3


def test_warnings_of_the_data_stand_before_notes():
    provenance = Provenance("real", "pixels", "none", "own", notes=("a", "b"), warnings=("c",))
    assert list(provenance.remarks()) == [("warning", "c"), ("note", "a"), ("note", "b")]
