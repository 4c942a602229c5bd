"""Tagged images: records, folds that hand no mask to training, canvases."""

import dataclasses

import numpy as np
import pytest
import torch

from zsl_runner.config.schema import ModelConf, TrainerConf
from zsl_runner.data.command.describe import describe, draw
from zsl_runner.data.pairs.segmentation.records import VOID
from zsl_runner.data.records import Provenance
from zsl_runner.data.sources.digit_canvas.conf import DigitCanvasConf, TaggedCanvasConf
from zsl_runner.data.sources.digit_canvas.source import load as load_segmentation
from zsl_runner.data.sources.digit_canvas.source import load_tagged, tags_of
from zsl_runner.data.tagged.folds import TaggedEvaluationSet, TaggedTrainingSet, tagged_folds
from zsl_runner.data.tagged.records import TaggedRecords
from zsl_runner.errors import ConfigError, DataError

CPU = torch.device("cpu")
TRAINER = TrainerConf(kind="x", name="x")


def canvases(**changes):
    few = {"source": "digits", "side": 32, "train": 6, "validation": 3, "test": 4, "cache": None, "colour": False}
    return TaggedCanvasConf(**{**few, "digits": [1, 3], "digit_size": [0.3, 0.4], "distinct": True, **changes})


def records(**changes):
    """Eight images of 4 x 4 pixels, two foreground classes; image n shows class 1 + n % 2 in one pixel."""
    generator = np.random.default_rng(0)
    masks = np.zeros((8, 4, 4), np.uint8)
    masks[np.arange(8), 1, 2] = 1 + np.arange(8) % 2
    found = TaggedRecords(
        name="small",
        images=generator.integers(256, size=(8, 3, 4, 4), dtype=np.uint8),
        tags=tags_of(masks, 3),
        class_names=("background", "cat", "dog"),
        train=np.arange(4),
        validation=np.arange(4, 6),
        test=np.arange(6, 8),
        provenance=Provenance("real", "4 x 4 pixels", "two tags", "own"),
        masks=masks,
    )
    return dataclasses.replace(found, **changes)


def fold(found, conf=None, evaluated="val"):
    return tagged_folds(found, conf or canvases(), TRAINER, CPU).fold(evaluated)


def test_records_are_sound():
    assert records().problems() == []
    assert records().doubts() == []
    assert records(masks=None).problems() == []
    assert "8 images of 4 x 4 pixels, 3 channels, 2 tags" in records().sizes()


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"images": np.zeros((8, 2, 4, 4), np.uint8)}, "images: expected shape (N, 1 or 3, H, W), found (8, 2, 4, 4)"),
        ({"tags": np.ones((8, 3), bool)}, "tags: expected bool of shape (8, 2)"),
        ({"tags": np.ones((8, 2))}, "found float64 of shape (8, 2)"),
        ({"tags": np.arange(16).reshape(8, 2) > 3}, "expected at least one for each image, found none for 2 (row 0"),
        ({"masks": np.zeros((8, 4, 5), np.uint8)}, "masks: expected uint8 of shape (8, 4, 4), found uint8 of"),
        ({"masks": np.full((8, 4, 4), 3, np.uint8)}, "masks: expected 0..2 or 255 (void), found [3]"),
        ({"class_names": ("background",)}, "class_names: expected 2 to 255"),
        ({"test": np.arange(4, 8)}, "splits: expected disjoint index sets"),
        ({"images": np.zeros((8, 1, 4, 4), np.uint8)}, "images: expected contrast"),
    ],
)
def test_what_is_inconsistent_is_named(changes, expected):
    assert expected in "\n".join(records(**changes).problems())


def test_doubts_name_tags_without_pixels_pixels_without_tags_lone_classes_and_missing_masks():
    masks = records().masks.copy()
    masks[4] = 0  # a validation image is tagged, and nothing is in its mask
    masks[6, 0, 0] = 2  # a test image shows a dog and is not tagged with it
    masks[7] = VOID
    only_cats = np.tile([True, False], (8, 1))
    found = records(masks=masks).doubts()
    assert found == [
        "Validation masks without a pixel of one of the image's tags: 1 of 2.",
        "Test images without a mask to measure by: 1 of 2.",
        "Test masks with pixels of a class the image is not tagged with: 1 of 1.",
    ]
    absent = records(tags=only_cats, masks=None).doubts()
    training, everywhere, *others = absent
    splits = "training", "validation", "test"
    assert [training, *others] == [f"No {split} image is tagged with dog." for split in splits]
    assert everywhere == (
        "Every training image is tagged with cat: tags alone cannot tell from the background what is always there."
    )


def test_canvases_are_those_of_the_segmentation_data_with_tags_for_masks(tmp_path):
    found = load_tagged(canvases(cache=str(tmp_path), dilation=2))
    assert found.problems() == []
    assert found.images.shape == (13, 1, 32, 32)
    same = {
        entry.name: getattr(canvases(), entry.name)
        for entry in dataclasses.fields(DigitCanvasConf)
        if entry.name not in ("kind", "name", "classes", "cache", "dilation")
    }
    segmentation = load_segmentation(DigitCanvasConf(**same, classes=11, cache=str(tmp_path), dilation=2))
    np.testing.assert_array_equal(found.masks, segmentation.labels)
    np.testing.assert_array_equal(found.images[:, 0], segmentation.images[:, 1])
    assert len(list(tmp_path.iterdir())) == 1  # one cache for both
    for tags, mask in zip(found.tags, found.masks, strict=True):
        assert set(np.flatnonzero(tags) + 1) == set(np.unique(mask)) - {0}
    assert set(found.tags.sum(1)) == {1, 2, 3}


def test_coloured_canvases_have_three_channels():
    assert load_tagged(canvases(colour=True)).images.shape == (13, 3, 32, 32)


def test_a_canvas_without_a_digit_would_have_no_tag():
    messages = {problem.key: problem.message for problem in canvases(digits=[0, 2]).problems()}
    assert messages == {"digits": "expected at least one digit on each canvas: each needs a tag"}
    assert not list(canvases().problems())


def test_a_fold_hands_masks_to_evaluation_alone():
    found = records()
    for evaluated, rows in (("val", found.validation), ("test", found.test)):
        cut = fold(found, evaluated=evaluated)
        assert isinstance(cut.evaluation, TaggedEvaluationSet)
        np.testing.assert_array_equal(cut.evaluation.masks.numpy(), found.masks[rows])
        np.testing.assert_array_equal(cut.evaluation.tags.numpy(), found.tags[rows])
        assert cut.evaluation.class_names == found.class_names
        batch = cut.train.take(torch.arange(4))
        np.testing.assert_array_equal(batch.x.numpy(), (found.images[:4] / np.float32(255)).astype(np.float32))
        np.testing.assert_array_equal(batch.tags.numpy(), found.tags[:4])
    assert fold(records(masks=None)).evaluation.masks is None
    assert fold(records(masks=np.full((8, 4, 4), VOID, np.uint8))).evaluation.masks is None


def tensors_in(value, seen):
    """Yield every tensor and array that can be reached from a value's attributes."""
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, torch.Tensor | np.ndarray):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors_in(part, seen)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from tensors_in(part, seen)
    elif hasattr(value, "__dict__"):
        yield from tensors_in(vars(value), seen)


def test_no_mask_can_be_reached_from_a_training_set():
    found = records()
    training = fold(found).train
    assert isinstance(training, TaggedTrainingSet)
    reached = list(tensors_in(training, set()))
    assert len(reached) == 3  # all images, the rows of the training ones, and their tags
    assert {tuple(part.shape) for part in reached} == {(8, 3, 4, 4), (4,), (4, 2)}


class SeesMasks(TrainerConf):
    """A trainer that asks for masks."""

    needs = frozenset({"tags", "masks"})


def stages(found, **changes):
    return tagged_folds(found, canvases(**changes), SeesMasks(kind="x", name="x"), CPU)


def test_masks_are_handed_to_training_that_needs_them_and_test_rows_are_called_oracle():
    found = records()
    for evaluated, name in (("val", "val"), ("test", "oracle")):
        cut = stages(found).fold(evaluated)
        assert cut.evaluation.name == name
        batch = cut.train.take(torch.tensor([2, 0]))
        np.testing.assert_array_equal(batch.masks.numpy(), found.masks[[2, 0]])
        assert torch.equal(batch.x, fold(found).train.take(torch.tensor([2, 0])).x)
        assert fold(found, evaluated=evaluated).evaluation.name == evaluated


def test_results_from_masks_are_of_another_setting():
    settings = [canvases().setting(ModelConf(kind="x", name="x"), seen) for seen in (TRAINER, SeesMasks("x", "x"))]
    assert settings == [{"kind": "weakly supervised, tags"}, {"kind": "fully supervised, training masks"}]


def test_masks_are_mirrored_with_their_images_and_limited_with_them():
    training = stages(records(), flip=True).fold("val").train
    plain = training.take(torch.arange(4))
    generator, same_draws = (torch.Generator().manual_seed(0) for _ in range(2))
    for _ in range(4):
        batch = training.take(torch.arange(4), generator)
        unmasked = fold(records(), canvases(flip=True)).train.take(torch.arange(4), same_draws)
        assert torch.equal(batch.x, unmasked.x)
        for image, mask, original, seen in zip(batch.x, batch.masks, plain.x, plain.masks, strict=True):
            assert torch.equal(mask, seen if torch.equal(image, original) else seen.flip(-1))
    limited = training.limited(2)
    np.testing.assert_array_equal(limited.take(torch.arange(2)).masks.numpy(), records().masks[[0, 3]])


def test_training_images_without_a_mask_are_named_where_training_needs_them():
    masks = records().masks.copy()
    masks[[1, 2, 5]] = VOID
    with pytest.raises(
        DataError, match=r"small: expected a mask .* found none for 2 of 4: b, c\. Add the masks, leave"
    ):
        stages(records(masks=masks, names=tuple("abcdefgh"))).fold("val")
    with pytest.raises(DataError, match=r"found none for 4 of 4\. Add the masks"):
        stages(records(masks=None)).fold("test")
    assert fold(records(masks=masks)).train is not None


def test_mirrored_images_keep_their_tags():
    conf = canvases(flip=True)
    training = fold(records(), conf).train
    plain = training.take(torch.arange(4))
    assert torch.equal(plain.x, fold(records()).train.take(torch.arange(4), torch.Generator()).x)
    batch = training.take(torch.arange(4).repeat(250), torch.Generator().manual_seed(0))
    assert torch.equal(batch.tags, plain.tags.repeat(250, 1))
    originals = plain.x.repeat(250, 1, 1, 1)
    mirrored = (batch.x == originals.flip(-1)).all(3).all(2).all(1)
    assert torch.equal(batch.x[~mirrored], originals[~mirrored])
    assert abs(mirrored.sum() - 500) < 5 * 250**0.5  # every other one, on average


def test_canvases_with_digits_too_small_for_a_pixel_are_refused_with_a_remedy():
    told = r"^dataset\.digit_size: expected a digit on each canvas, found none on \d+ of 213.* draw larger digits"
    with pytest.raises(ConfigError, match=told):
        load_tagged(canvases(side=16, digit_size=[0.1, 0.15], digits=[1, 1], train=200, validation=3, test=10))


def test_a_limited_training_set_is_spread_over_the_rows():
    limited = fold(records()).train.limited(2)
    assert len(limited) == 2
    assert limited.tags.shape == (2, 2)


def test_a_long_name_of_a_class_moves_no_column():
    head, *table = list(describe(records(class_names=("background", "a_very_long_name", "dog"))))[-4:]
    assert {len(line) for line in table} == {len(head.partition("   (per cent")[0])}


def test_tagged_images_are_described_and_drawn_with_and_without_masks():
    for found in (records(), records(masks=None)):
        text = "\n".join(describe(found))
        assert "cat" in text
        assert "50.0" in text  # half of all images are cats
        assert ("93.75" in text) == (found.masks is not None)  # all but one of 16 pixels are background
        assert draw(found).axes
