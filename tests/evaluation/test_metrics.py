import pytest
import torch
from sklearn.metrics import recall_score

from zsl_runner.evaluation.metrics import harmonic_mean, mean_class_accuracy, per_class_accuracy


def test_small_classes_weigh_as_much_as_large_ones():
    labels = torch.tensor([0] * 90 + [1] * 10)
    predictions = torch.zeros(100, dtype=torch.int64)
    assert mean_class_accuracy(labels, predictions) == 50.0


def test_leaked_predictions_do_not_add_classes_to_the_mean():
    labels, predictions = torch.tensor([0, 0, 1, 1, 1, 1]), torch.tensor([0, 2, 1, 1, 3, 4])
    assert mean_class_accuracy(labels, predictions) == 50.0


def test_agrees_with_scikit_learn_on_predictions_outside_the_present_classes():
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(3, 11, (2000,), generator=generator)
    predictions = torch.where(
        torch.rand(2000, generator=generator) < 0.4, labels, torch.randint(0, 20, (2000,), generator=generator)
    )
    present = labels.unique().tolist()
    expected = 100 * recall_score(labels, predictions, labels=present, average="macro")
    assert mean_class_accuracy(labels, predictions) == pytest.approx(expected, abs=1e-10)


def test_relabelling_consistently_changes_nothing():
    generator = torch.Generator().manual_seed(1)
    labels = torch.randint(0, 9, (300,), generator=generator)
    predictions = torch.randint(0, 9, (300,), generator=generator)
    names = torch.randperm(9, generator=generator)
    assert mean_class_accuracy(names[labels], names[predictions]) == pytest.approx(
        mean_class_accuracy(labels, predictions), abs=1e-10
    )


def test_absent_class_has_no_accuracy():
    accuracy = per_class_accuracy(torch.tensor([0, 0, 2]), torch.tensor([0, 1, 2]), 4)
    assert accuracy.isnan().tolist() == [False, True, False, True]
    assert accuracy[0] == 50
    assert accuracy[2] == 100


def test_no_rows():
    empty = torch.empty(0, dtype=torch.int64)
    assert mean_class_accuracy(empty, empty) == 0


@pytest.mark.parametrize(("u", "s", "h"), [(0, 0, 0), (0, 80, 0), (50, 50, 50), (52.7, 75.7, 2 * 52.7 * 75.7 / 128.4)])
def test_harmonic_mean(u, s, h):
    assert harmonic_mean(u, s) == pytest.approx(h, abs=1e-12)
