"""Rows of no split: given by hand, or of another data set with the same classes."""

import contextlib
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.conftest import make_records
from tests.zero_shot import zero_shot_folds
from zsl_runner.data.zero_shot.new_rows import (
    class_ids,
    own_class_vectors,
    own_rows,
    require_own_norm,
    with_records,
    with_rows,
)
from zsl_runner.errors import DataError

NAMES = ("ant", "bear", "cat", "cat")


@pytest.fixture
def fold(records):
    return zero_shot_folds(records, feature_scaling="standard").final()


def permuted(records, order):
    """Return the same data set with its classes in another order, all of its features moved a little."""
    place = np.argsort(order)
    return replace(
        records,
        labels=place[records.labels],
        class_names=tuple(records.class_names[k] for k in order),
        features=records.features + np.float32(0.5),
    )


@pytest.mark.parametrize(
    ("given", "found"), [("bear", [1]), (0, [0]), (["bear", np.int64(3), 0], [1, 3, 0]), (("ant", "ant"), [0, 0])]
)
def test_classes_are_given_by_name_or_number(given, found):
    assert class_ids(given, NAMES) == found


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("beer", "did you mean bear?"),
        ("cat", "is the name of classes [2, 3]"),
        ([4], "a number in 0..3, found 4"),
        ([-1], "a number in 0..3, found -1"),
        ([True], "found True"),
        ([1.0], "found 1.0"),
        ([], "found none"),
    ],
)
def test_unknown_classes_are_refused(given, words):
    with pytest.raises(DataError) as caught:
        class_ids(given, NAMES)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (np.zeros((3, 2)), "expected shape (n, 3)"),
        (np.zeros(3), "found (3,)"),
        (np.zeros((0, 3)), "at least one row"),
        ([[1, 2, 3], [1, np.nan, 3]], "in 1 of 2 rows, first in row 1"),
        ([[1e300, 2, 3]], "expected finite values of at most 1e+15 in size"),
        ([[1, 2, 3], [1, -2e15, 3]], "larger ones in 1 of 2 rows, first in row 1"),
        ("abc", "expected a matrix of numbers, found str"),
        ([[1, 2, 3], [1, 2]], "expected a matrix of numbers, found list"),
    ],
)
def test_rows_that_do_not_fit_are_refused(rows, words):
    with pytest.raises(DataError) as caught:
        own_rows(rows, 3, torch.device("cpu"))
    assert words in str(caught.value)


@pytest.mark.parametrize("kind", [np.asarray, torch.tensor, list])
def test_rows_are_scaled_as_the_runs_own(fold, records, kind):
    given = own_rows(kind(records.features[records.test_unseen].tolist()), 12, torch.device("cpu"))
    data = with_rows(fold, given).evaluation
    assert torch.equal(data.unseen.take(data.unseen.rows), fold.evaluation.unseen.take(torch.arange(len(given))))
    assert len(data.seen) == 0


@pytest.mark.parametrize("mode", ["none", "l2", "sqrt", "standard", "center"])
def test_class_vectors_are_scaled_as_the_runs_own(records, mode):
    fold = zero_shot_folds(records, semantic_scaling=mode).final()
    seen, own = fold.evaluation.seen_classes, records.class_vectors
    torch.testing.assert_close(own_class_vectors(own[[7, 2]], records, mode, seen), fold.train.class_vectors[[7, 2]])
    far = own[:1] + 100  # moves neither mean nor deviation of the others
    both = own_class_vectors(np.concatenate([far, own[2:3]]), records, mode, seen)
    torch.testing.assert_close(both[1], fold.train.class_vectors[2])
    with pytest.raises(DataError, match=r"class_vectors: expected shape .*entries for each of at least one class"):
        own_class_vectors(own[:, 1:], records, mode, seen)


@pytest.mark.parametrize("mode", ["none", "l2", "sqrt", "standard", "center"])
def test_vectors_of_a_file_have_the_norm_of_the_runs_own_where_it_counts(records, mode):
    unit = records.class_vectors / np.linalg.norm(records.class_vectors, axis=1, keepdims=True)
    of_unit_norm = replace(records, class_vectors=unit)
    require_own_norm(unit[:2].round(3), of_unit_norm, mode)
    require_own_norm(5 * unit[:2], replace(records, class_vectors=3 * unit), mode)
    refused = contextlib.nullcontext() if mode in ("l2", "sqrt") else pytest.raises(DataError, match="norms 1 to 5")
    with refused:
        require_own_norm(unit[:2] * [[1], [5]], of_unit_norm, mode)


def test_rows_and_columns_may_be_in_the_opposite_order_of_memory():
    given = np.arange(6, dtype=np.float32).reshape(2, 3)
    found = own_rows(given[::-1, ::-1], 3, torch.device("cpu"))
    torch.testing.assert_close(found, torch.tensor([[5.0, 4.0, 3.0], [2.0, 1.0, 0.0]]))


def test_what_is_given_is_copied():
    given = np.ones((2, 3), dtype=np.float32)
    own_rows(given, 3, torch.device("cpu")).zero_()
    assert (given == 1).all()


def test_other_data_are_matched_by_the_names_of_classes(fold, records):
    order = np.random.default_rng(0).permutation(len(records.class_names))
    found, remarks = with_records(fold, permuted(records, order))
    data = found.evaluation
    assert remarks == []
    assert data.name == "new"
    for rows, labels, classes in (
        (data.seen, data.seen_labels, records.seen_classes),
        (data.unseen, data.unseen_labels, records.unseen_classes),
    ):
        assert rows.rows.tolist() == np.flatnonzero(np.isin(records.labels, classes)).tolist()
        assert labels.tolist() == records.labels[rows.rows].tolist()
    assert found.train is fold.train


def test_rows_of_training_among_the_new_ones_are_told(fold, records):
    _, remarks = with_records(fold, records)
    assert remarks == [f"{len(records.trainval)} new rows equal rows the run was trained on: the metrics are too good"]


def test_rows_of_classes_that_are_no_candidates_are_left_out(records):
    tune = zero_shot_folds(records).tune()
    found, remarks = with_records(tune, permuted(records, np.arange(9)))
    assert len(found.evaluation.seen) + len(found.evaluation.unseen) == 6 * 30
    assert remarks == ["90 new rows are of classes that are no candidates in this stage, and left out"]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            {"class_names": tuple("abcdefghi")},
            "9 missing (class_0, class_1, class_2, class_3, class_4 and 4 more) and 9 others (a, b, c, d, e and",
        ),
        ({"class_names": ("class_0",) * 9}, "the new data have classes of equal names"),
        ({"features": np.zeros((270, 5), dtype=np.float32)}, "expected 12 features, as the run has, found 5"),
    ],
)
def test_other_data_that_do_not_fit_are_refused(fold, change, words):
    with pytest.raises(DataError) as caught:
        with_records(fold, replace(make_records(), **change))
    assert words in str(caught.value)
