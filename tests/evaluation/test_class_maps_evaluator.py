"""Class maps measured: confusion matrices at thresholds, metrics of a whole set, thresholds handed on, tags."""

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.evaluation.map_reader import CONF, Reader, readable
from tests.tagged import CANVASES, NETWORK, network, tagged_fold
from zsl_runner.data.pairs.segmentation.records import VOID
from zsl_runner.data.sources.digit_canvas.source import load_tagged
from zsl_runner.data.sources.image_folder.conf import TaggedFolderConf
from zsl_runner.evaluation.class_maps.conf import ClassMapsEvaluatorConf
from zsl_runner.evaluation.class_maps.counts import (
    all_background,
    class_ious,
    precisions,
    recalls,
    threshold_confusions,
)
from zsl_runner.evaluation.class_maps.evaluator import ClassMapsEvaluator


def measure(model, fold, conf=CONF, choices=None):
    return ClassMapsEvaluator(conf, 0).measure(model, fold, choices or {})


def plain_confusion(labels, truth, valid, classes):
    found = np.zeros((classes, classes), int)
    for t, p, v in zip(truth.flatten(), labels.flatten(), valid.flatten(), strict=True):
        found[t, p] += v
    return found


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**31), st.integers(2, 5), st.integers(1, 4))
def test_confusions_are_those_of_labels_at_each_threshold(seed, classes, levels):
    generator = torch.Generator().manual_seed(seed)
    thresholds = torch.rand(levels, generator=generator).sort().values
    scores = torch.rand(2, 9, generator=generator)
    scores[0, 0] = thresholds[0]  # equal is not above
    labels = torch.randint(1, classes, (2, 9), generator=generator)
    truth = torch.randint(classes, (2, 9), generator=generator)
    valid = torch.rand(2, 9, generator=generator) < 0.8
    found = threshold_confusions(scores, labels, truth, valid, thresholds, classes)
    for image in range(2):
        for level, threshold in enumerate(thresholds):
            predicted = torch.where(scores[image] > threshold, labels[image], 0)
            expected = plain_confusion(predicted, truth[image], valid[image], classes)
            np.testing.assert_array_equal(found[image, level].numpy(), expected)


def test_metrics_of_a_confusion_matrix_by_hand():
    confusion = torch.tensor([[5, 1, 0, 0], [2, 3, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]])
    torch.testing.assert_close(class_ious(confusion)[:3], torch.tensor([5 / 9, 3 / 6, 0.0]).double())
    torch.testing.assert_close(precisions(confusion)[:2], torch.tensor([5 / 8, 3 / 4]).double())
    torch.testing.assert_close(recalls(confusion)[:3], torch.tensor([5 / 6, 3 / 5, 0.0]).double())
    assert class_ious(confusion)[3].isnan()
    assert precisions(confusion)[2:].isnan().all()
    assert all_background(confusion).tolist() == [[6, 0, 0, 0], [5, 0, 0, 0], [1, 0, 0, 0], [0, 0, 0, 0]]


def test_a_perfect_prediction_has_an_iou_of_one():
    fold, _ = readable()
    found = measure(Reader(), fold).metrics
    for metric in ("mIoU", "mIoU_fixed", "mIoU_images", "foreground_IoU", "background_IoU", "precision", "recall"):
        for maps in ("plain", "refined"):
            assert found[f"val/{metric}_{maps}"] == pytest.approx(100)
    assert found["val/tag_accuracy"] == found["val/tag_exact_match"] == 100


def test_all_background_is_the_share_of_the_background_over_the_number_of_classes():
    fold, masks = readable()
    present = len(np.unique(masks))
    expected = 100 * (masks == 0).mean() / present
    found = measure(Reader(silent=True), fold).metrics
    for metric in ("mIoU_plain", "mIoU_fixed_refined", "mIoU_all_background"):
        assert found[f"val/{metric}"] == pytest.approx(expected)
    assert found["val/recall_plain"] == 0
    assert found["val/tag_exact_match"] == 0


def test_a_class_absent_from_the_whole_set_counts_nowhere():
    """Only digits 0 and 1 are left in masks and tags: the mean is over three classes, not over eleven."""
    records = load_tagged(CANVASES)
    masks = np.where(records.masks > 2, 1, records.masks)
    tags = np.stack([(masks == label).any((1, 2)) for label in range(1, 11)], 1)
    records = dataclasses.replace(records, masks=masks, tags=tags, images=masks[:, None])
    kept = masks[records.validation]
    fold = tagged_fold(records)
    assert set(np.unique(kept)) == {0, 1, 2}
    found = measure(Reader(silent=True), fold).metrics
    assert found["val/mIoU_plain"] == pytest.approx(100 * (kept == 0).mean() / 3)
    assert measure(Reader(), fold).metrics["val/mIoU_plain"] == pytest.approx(100)


def test_a_class_taken_for_another_costs_both():
    fold, masks = readable()
    one, other = np.unique(masks)[1:3]
    found = measure(Reader(wrong={int(one): int(other)}), fold).metrics
    ious = [1.0 if label not in (one, other) else 0.0 for label in np.unique(masks)]
    both = (masks == one) | (masks == other)
    ious[2] = (masks == other).sum() / both.sum()
    assert found["val/mIoU_plain"] == pytest.approx(100 * np.mean(ious))
    assert found["val/foreground_IoU_plain"] == pytest.approx(100 * np.mean(ious[1:]))
    assert found["val/background_IoU_plain"] == 100
    digits = len(ious) - 1
    assert found["val/recall_plain"] == pytest.approx(100 * (digits - 1) / digits)
    # The first digit is never found, so it has no precision.
    assert found["val/precision_plain"] == pytest.approx(100 * (digits - 2 + ious[2]) / (digits - 1))
    assert found["val/mIoU_images_plain"] != pytest.approx(found["val/mIoU_plain"])


def test_void_pixels_count_nowhere():
    """The left halves of the masks are void, and what is read there is wrong."""
    records = load_tagged(CANVASES)
    masks = records.masks.copy()
    masks[:, :, :16] = VOID
    images = records.masks[:, None].copy()
    images[:, :, :, :16] = 10 - images[:, :, :, :16]
    fold = tagged_fold(dataclasses.replace(records, masks=masks, images=images))
    found = measure(Reader(), fold)
    seen = records.masks[records.validation][:, :, 16:]
    assert found.metrics["val/mIoU_all_background"] == pytest.approx(100 * (seen == 0).mean() / len(np.unique(seen)))
    assert int(found.details.counts["plain"].confusion[0].sum()) == seen.size
    assert found.metrics["val/recall_plain"] == pytest.approx(100)


def test_the_threshold_is_chosen_on_validation_images_and_handed_to_the_test():
    fold, _ = readable()
    model = network(fold.train.shape)
    with torch.no_grad():
        model.classes.weight.abs_()  # so that all tags are found
    validation = measure(model, fold)
    assert validation.choices.keys() == {"threshold_plain", "threshold_refined", "threshold_refined_true_tags"}
    tested = dataclasses.replace(fold, evaluation=dataclasses.replace(fold.evaluation, name="test"))
    again = measure(model, tested, choices=validation.choices)
    assert again.choices == {}
    assert {name.replace("val/", "test/"): value for name, value in validation.metrics.items()} == again.metrics
    for kind in ("plain", "refined"):
        best = validation.details.counts[kind].ious()
        assert validation.metrics[f"val/mIoU_{kind}"] == pytest.approx(100 * float(best.max()))
        assert validation.metrics[f"val/mIoU_{kind}"] >= validation.metrics[f"val/mIoU_fixed_{kind}"]
    lowest = measure(model, tested, choices={"threshold_plain": 0.1, "threshold_refined": 0.1}).metrics
    assert lowest["test/mIoU_plain"] == pytest.approx(100 * float(validation.details.counts["plain"].ious()[0]))
    without = measure(model, tested)
    assert "test/mIoU_plain" not in without.metrics
    assert "test/mIoU_fixed_plain" in without.metrics
    (note,) = without.warnings()
    assert note.startswith("No threshold was chosen, for no validation image has a mask")


@pytest.mark.parametrize(("chosen", "end"), [(0.1, "smallest"), (0.5, None), (0.9, "largest")])
def test_a_threshold_at_an_end_of_those_tried_is_noted(chosen, end):
    fold, _ = readable()
    choices = {"threshold_plain": chosen, "threshold_refined": 0.5}
    found = measure(Reader(), fold, choices=choices).warnings()
    if end is None:
        assert found == []
    else:
        (note,) = found
        assert note.startswith(
            f"The threshold of plain maps is the {end} that was tried on validation images, {chosen}"
        )
        assert "evaluator.thresholds" in note
        alone = dataclasses.replace(CONF, thresholds=[0.1, 0.1], threshold_count=1)
        assert measure(Reader(), fold, alone, choices).warnings() == []  # there is no choice to widen


def test_maps_without_any_tag_are_told_of_and_no_threshold_is_advised():
    fold, _ = readable()
    ends = {"threshold_plain": 0.1, "threshold_refined": 0.9}
    for choices in ({}, ends):
        (note,) = measure(Reader(silent=True), fold, choices=choices).warnings()
        assert note.startswith("The model finds no tag in any image of the set, so every pixel is background")
        assert "thresholds" not in note


def test_a_choice_by_masks_is_refused_before_a_run_where_there_are_none():
    folder = TaggedFolderConf(name="mine", root="mine", classes=["background", "cat", "dog"])
    found = CONF.unmeasured(NETWORK, folder)
    assert "dataset.masks names none; " in found["mIoU_refined"]
    assert CONF.quantities.keys() - found.keys() == {"tag_accuracy", "tag_exact_match"}
    assert not CONF.unmeasured(NETWORK, dataclasses.replace(folder, masks="masks"))


def test_thresholds_hold_the_fixed_one():
    values = ClassMapsEvaluator(CONF, 0).thresholds()
    torch.testing.assert_close(values, torch.tensor([0.1, 0.2, 0.3, 0.5, 0.7, 0.9]))
    plain = ClassMapsEvaluator(ClassMapsEvaluatorConf(), 0).thresholds()
    assert len(plain) == 40  # the fixed one is one of those tried
    assert (plain.diff() > 0).all()


def test_true_tags_are_an_oracle_and_no_metric():
    fold, _ = readable()
    evaluator = ClassMapsEvaluator(CONF, 0)
    silent = evaluator.measure(Reader(silent=True), fold, {})
    assert not any("true_tags" in name for name in silent.metrics)
    found = evaluator.oracle(silent)
    assert found.keys() >= {
        "oracle/mIoU_plain_true_tags",
        "oracle/mIoU_refined_true_tags_fixed",
        "oracle/mIoU_plain_best",
    }
    # The maps themselves are negative, so nothing is confident even with true tags.
    assert found["oracle/mIoU_plain_true_tags"] == pytest.approx(silent.metrics["val/mIoU_plain"])
    quiet = evaluator.oracle(evaluator.measure(Reader(), fold, {}))
    assert quiet["oracle/mIoU_plain_true_tags"] == pytest.approx(100)


def test_without_masks_only_tags_are_measured():
    fold, _ = readable(masks=None)
    found = measure(Reader(), fold)
    assert found.metrics["val/tag_accuracy"] == 100
    assert found.undefined["val/mIoU_plain"] == "no image of the set has a mask"
    assert np.isnan(found.metrics["val/mIoU_refined"])
    assert ClassMapsEvaluator(CONF, 0).oracle(found) == {}


def test_measuring_twice_is_measuring_once():
    fold = tagged_fold()
    model = network(fold.train.shape)
    once = measure(model, fold)
    assert measure(model, fold).metrics == once.metrics
    assert model.training


@pytest.mark.parametrize("size", [1, 5, 8])
def test_blocks_do_not_matter(size):
    """Maps that are read off are the same in any block, which those of a network are but for rounding.

    The first image has no pixel that counts, tags and labels are wrong in some images only, and blocks are of unequal
    sizes, so that a mean over blocks of their means would be another number.
    """
    masks = load_tagged(CANVASES).masks.copy()
    masks[load_tagged(CANVASES).validation[0]] = VOID
    images = np.where(masks == VOID, 0, masks)[:, None]
    fold = tagged_fold(dataclasses.replace(load_tagged(CANVASES), images=images, masks=masks))
    one, other = np.unique(images)[1:3]
    model = Reader(wrong={int(one): int(other)})
    whole = measure(model, fold).metrics
    assert (
        len({whole[f"val/{name}"] for name in ("mIoU_plain", "mIoU_images_plain", "tag_exact_match")} | {0, 100}) == 5
    )
    assert measure(model, fold, dataclasses.replace(CONF, batch_size=size)).metrics == pytest.approx(whole, rel=1e-12)


def test_problems():
    def problems(**changes):
        return {problem.key: problem.message for problem in dataclasses.replace(CONF, **changes).problems()}

    assert problems() == {}
    assert problems(thresholds=[0.8, 0.2]) == {"thresholds": "expected [smallest, largest], found [0.8, 0.2]"}
    assert problems(scales=[]) == {"scales": "expected at least one size, e.g. [1.0]"}
    assert "must be [fit] or [tune]" in problems(stages=["final"])["stages"]
