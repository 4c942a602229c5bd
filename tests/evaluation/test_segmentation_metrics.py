"""Pixel accuracy and intersection over union by hand and against plain loops."""

import pytest
import torch

from zsl_runner.evaluation.segmentation.metrics import foreground_iou, mean_class_iou, pixel_accuracy

GENERATOR = torch.Generator().manual_seed(0)
PREDICTED = torch.randint(4, (6, 5, 7), generator=GENERATOR)
TRUTH = torch.randint(4, (6, 5, 7), generator=GENERATOR)
VALID = torch.rand(6, 5, 7, generator=GENERATOR) < 0.6


def plain_sets(image, valid):
    """Return for each label the sets of predicted and true pixels."""
    pixels = [(i, j) for i in range(5) for j in range(7) if valid is None or valid[image, i, j]]
    predicted = {k: {p for p in pixels if PREDICTED[(image, *p)] == k} for k in range(4)}
    true = {k: {p for p in pixels if TRUTH[(image, *p)] == k} for k in range(4)}
    return pixels, predicted, true


@pytest.mark.parametrize("valid", [None, VALID])
def test_against_plain_loops(valid):
    accuracies = pixel_accuracy(PREDICTED, TRUTH, valid)
    foreground = foreground_iou(PREDICTED, TRUTH, valid)
    means = mean_class_iou(PREDICTED, TRUTH, 4, valid)
    for image in range(6):
        pixels, predicted, true = plain_sets(image, valid)
        assert accuracies[image].item() == pytest.approx(sum(len(predicted[k] & true[k]) for k in true) / len(pixels))
        first, second = set(pixels) - predicted[0], set(pixels) - true[0]
        assert foreground[image].item() == pytest.approx(len(first & second) / len(first | second))
        shares = [len(predicted[k] & true[k]) / len(predicted[k] | true[k]) for k in true if predicted[k] | true[k]]
        assert means[image].item() == pytest.approx(sum(shares) / len(shares))


def test_labels_of_void_pixels_do_not_count():
    changed = torch.where(VALID, TRUTH, 3 - TRUTH)
    assert torch.equal(pixel_accuracy(PREDICTED, changed, VALID), pixel_accuracy(PREDICTED, TRUTH, VALID))
    assert torch.equal(foreground_iou(PREDICTED, changed, VALID), foreground_iou(PREDICTED, TRUTH, VALID))
    assert torch.equal(mean_class_iou(PREDICTED, changed, 4, VALID), mean_class_iou(PREDICTED, TRUTH, 4, VALID))


def test_an_empty_truth_predicted_empty():
    nothing, something = torch.zeros(1, 2, 2, dtype=torch.int64), torch.ones(1, 2, 2, dtype=torch.int64)
    assert foreground_iou(nothing, nothing).item() == 0
    assert foreground_iou(nothing, nothing, empty=1.0).item() == 1
    for empty in (0.0, 1.0):
        assert foreground_iou(something, nothing, empty=empty).item() == 0
        assert foreground_iou(something, something, empty=empty).item() == 1
    hidden = torch.zeros(1, 2, 2, dtype=torch.bool)
    assert foreground_iou(something, something, hidden, empty=1.0).item() == 1
    assert pixel_accuracy(nothing, nothing, hidden).isnan().all()


def test_classes_that_do_not_occur_are_left_out_of_the_mean():
    truth = torch.tensor([[[0, 0, 2, 2]]])
    assert mean_class_iou(truth, truth, 11).item() == 1
    assert mean_class_iou(torch.tensor([[[0, 5, 2, 2]]]), truth, 11).item() == pytest.approx((0.5 + 0 + 1) / 3)
