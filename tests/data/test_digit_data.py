"""Digits: the attribute tables, the folds, the embedded data and the signal in them."""

import itertools
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from sklearn.datasets import load_digits

from zsl_runner.data.sources.digit_classes import FOLDS, digit_attributes
from zsl_runner.data.sources.digits.conf import DigitsConf
from zsl_runner.data.sources.digits.source import load


def test_the_segments_are_those_of_a_display():
    names, values = digit_attributes("segments")
    assert names == ("top", "upper_right", "lower_right", "bottom", "lower_left", "upper_left", "middle")
    assert values.sum(axis=1).tolist() == [6, 2, 5, 5, 4, 5, 6, 3, 7, 6]
    assert set(np.unique(values)) == {0, 1}
    # An 8 lights every segment; a 9 differs from it in one, a 6 in one, a 0 in one.
    assert [int((values[8] != values[k]).sum()) for k in (9, 6, 0)] == [1, 1, 1]


@pytest.mark.parametrize("choice", ["segments", "all"])
def test_attributes_tell_all_digits_apart(choice):
    names, values = digit_attributes(choice)
    assert values.shape == (10, len(names))
    assert values.dtype == np.float32
    assert len(set(names)) == len(names)
    assert 0 <= values.min() <= values.max() == 1
    assert len(np.unique(values, axis=0)) == 10
    assert (np.ptp(values, axis=0) > 0).all()


def test_all_attributes_are_the_segments_and_then_the_strokes():
    names, values = digit_attributes("all")
    assert len(names) == 25
    np.testing.assert_array_equal(values[:, :7], digit_attributes("segments")[1])
    loops = dict(zip(range(10), values[:, names.index("loops_of_two")], strict=True))
    assert [digit for digit, share in loops.items() if share == 0.5] == [0, 6, 9]
    assert loops[8] == 1


def test_another_choice_of_attributes_is_refused():
    with pytest.raises(ValueError, match="unknown digit attributes"):
        digit_attributes("strokes")


def mean_class_t1(features, labels, vectors, seen, unseen):
    """Ridge regression from centred features to centred attributes, then the largest cosine among ``unseen``."""
    train = np.isin(labels, seen)
    x = features - features[train].mean(0)
    a = vectors - vectors[seen].mean(0)
    weights = np.linalg.solve(x[train].T @ x[train] + 10 * np.eye(x.shape[1]), x[train].T @ a[labels[train]])
    candidates = a[unseen] / np.linalg.norm(a[unseen], axis=1, keepdims=True)
    test = np.isin(labels, unseen)
    right = unseen[(x[test] @ weights @ candidates.T).argmax(1)] == labels[test]
    return 100 * np.mean([right[labels[test] == digit].mean() for digit in unseen])


@cache
def pixels_and_labels():
    return load_digits(return_X_y=True)


def linear_t1(choice, seen, unseen):
    pixels, labels = pixels_and_labels()
    vectors = digit_attributes(choice)[1].astype(np.float64)
    return mean_class_t1(pixels / 16, labels, vectors, np.asarray(seen), np.asarray(unseen))


@pytest.mark.parametrize(("choice", "low", "high"), [("all", 49.0, 51.0), ("segments", 45.0, 47.5)])
def test_a_linear_baseline_finds_signal_over_all_120_triples(choice, low, high):
    """Chance is 33.3. Measured: 50.0 with all attributes, 46.2 with the segments alone."""
    scores = [
        linear_t1(choice, sorted(set(range(10)) - set(unseen)), unseen)
        for unseen in itertools.combinations(range(10), 3)
    ]
    assert len(scores) == 120
    assert low < np.mean(scores) < high


def test_the_folds_are_as_documented():
    assert set(itertools.chain.from_iterable(fold.unseen for fold in FOLDS)) == set(range(10))
    scores = []
    for fold in FOLDS:
        seen = sorted(set(range(10)) - set(fold.unseen))
        assert set(fold.validation) < set(seen)
        scores.append(round(linear_t1("all", seen, fold.unseen)))
        assert linear_t1("all", sorted(set(seen) - set(fold.validation)), fold.validation) > 55
    assert scores == [69, 64, 50, 42, 45]


def test_the_default_records():
    records = load(DigitsConf(name="digits"))
    assert records.problems() == []
    assert records.unseen_classes.tolist() == [3, 5, 7]
    assert records.validation_classes.tolist() == [4, 6]
    assert records.image_shape == (1, 8, 8)
    assert len(records.labels) == 1797 == len(records.trainval) + len(records.test_seen) + len(records.test_unseen)
    assert (records.features.min(), records.features.max()) == (0, 1)
    pixels, labels = load_digits(return_X_y=True)
    np.testing.assert_allclose(records.features * 16, pixels)
    np.testing.assert_array_equal(records.labels, labels)
    share = np.bincount(records.labels[records.test_seen], minlength=10) / np.bincount(records.labels, minlength=10)
    np.testing.assert_allclose(share[records.seen_classes], 0.2, atol=0.003)
    assert records.provenance.kind == "embedded"
    assert records.provenance.split_version == "own (digit fold 0: unseen 3, 5, 7)"


@pytest.mark.parametrize("number", range(len(FOLDS)))
def test_every_fold_gives_sound_records(number):
    records = load(DigitsConf(name="digits", fold=number))
    assert tuple(records.unseen_classes) == FOLDS[number].unseen
    assert tuple(records.validation_classes) == FOLDS[number].validation
    assert records.problems() == []


def test_own_unseen_digits():
    records = load(DigitsConf(name="digits", unseen=[8, 1]))
    assert records.unseen_classes.tolist() == [1, 8]
    assert len(records.validation_classes) == 2
    assert records.provenance.split_version == "own (chosen digits: unseen 1, 8)"
    drawn = {
        tuple(load(DigitsConf(name="digits", unseen=[8, 1], validation_seed=s)).validation_classes) for s in range(5)
    }
    assert len(drawn) > 1
    assert len(load(DigitsConf(name="digits", validation_classes=3)).validation_classes) == 3


def test_two_seen_digits_at_least_are_left_to_train_on():
    """Also where nobody says how many are for validation."""
    conf = DigitsConf(name="digits", unseen=[0, 1, 2, 3, 4, 5, 6])
    assert list(conf.problems()) == []
    assert len(load(conf).validation_classes) == 1
    assert [problem.key for problem in replace(conf, validation_classes=2).problems()] == ["validation_classes"]


def test_the_test_rows_depend_on_their_seed_only():
    first, again = load(DigitsConf(name="digits")), load(DigitsConf(name="digits", validation_seed=9, holdout_seed=9))
    np.testing.assert_array_equal(first.test_seen, again.test_seen)
    assert not np.array_equal(first.test_seen, load(DigitsConf(name="digits", test_seed=1)).test_seen)


@pytest.mark.parametrize(
    ("options", "key"),
    [
        ({"fold": 1, "unseen": [1, 2]}, "fold"),
        ({"unseen": [1]}, "unseen"),
        ({"unseen": [1, 1, 2]}, "unseen"),
        ({"unseen": [0, 1, 2, 3, 4, 5, 6, 7]}, "unseen"),
        ({"validation_classes": 6}, "validation_classes"),
        ({"radius": 2.0}, "radius"),
    ],
)
def test_impossible_choices_are_complained_about(options, key):
    assert [problem.key for problem in DigitsConf(name="digits", **options).problems()] == [key]
    assert list(DigitsConf(name="digits").problems()) == []
