"""Metrics that are constant or empty by construction, and classes that look the same, are said beforehand."""

import dataclasses

import numpy as np
import pytest

from tests.conftest import make_records
from zsl_runner.data.load import load
from zsl_runner.data.sources.toy.conf import ToyConf


def warnings(**changes):
    return dataclasses.replace(make_records(), **changes).doubts()


def test_usual_data_are_not_warned_of():
    assert warnings() == []
    features = make_records().features.copy()
    features[:, 3] = 0  # a feature that is constant is nothing unusual
    assert warnings(features=features) == []


def same_vectors(*classes):
    vectors = make_records().class_vectors.copy()
    vectors[list(classes)] = vectors[classes[0]]
    return vectors


RECORDS = make_records()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"validation_classes": np.array([4])}, "the only validation class is class_4: val/T1 is 100"),
        ({"validation_classes": np.arange(5)}, "beside those for validation is class_5: the tune stage trains on"),
        ({"unseen_classes": np.array([7])}, "the only unseen class is class_7: test/T1 is 100 whatever the model does"),
        (
            {"test_seen": RECORDS.test_seen[RECORDS.labels[RECORDS.test_seen] > 1]},
            "test_seen has no row of class_0, class_1: test/S and test/H leave these seen classes out",
        ),
        ({"trainval": np.arange(0, 180, 30)}, "no seen class has two training rows"),
        ({"class_vectors": same_vectors(2, 8)}, "class_2, class_8 have the same class vector: no model can tell them"),
        ({"class_vectors": same_vectors(*range(7))}, "class_0, class_1, class_2, class_3, class_4 and 2 more have the"),
    ],
)
def test_what_a_metric_cannot_mean_is_said(changes, expected):
    (found,) = warnings(**changes)
    assert expected in found


def test_data_without_a_test_row_of_a_seen_class_are_sound():
    test_seen = RECORDS.test_seen[RECORDS.labels[RECORDS.test_seen] > 1]
    assert dataclasses.replace(RECORDS, test_seen=test_seen).problems() == []


def test_a_single_class_with_one_training_row_is_no_doubt():
    first = np.flatnonzero(RECORDS.labels[RECORDS.trainval] == 0)[1:]
    assert list(warnings(trainval=np.delete(RECORDS.trainval, first))) == []


def test_loading_puts_them_among_the_warnings_of_the_data():
    assert load(ToyConf(seen=8)).provenance.warnings == ()
    (found,) = load(ToyConf(seen=8, validation_classes=1)).provenance.warnings
    assert "val/T1 is 100 whatever the model does; set dataset.validation_classes to 2 or more" in found
