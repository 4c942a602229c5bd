"""Records, options and pairs of images with label maps."""

import dataclasses

import numpy as np
import pytest
import torch

from zsl_runner.data.command.describe import describe, draw
from zsl_runner.data.pairs.segmentation.folds import SegmentationSource, segmentation_folds
from zsl_runner.data.pairs.segmentation.options import SegmentationConf
from zsl_runner.data.pairs.segmentation.records import VOID, SegmentationRecords, colour_map
from zsl_runner.data.records import Provenance, checked
from zsl_runner.errors import DataError
from zsl_runner.tracking.pictures import png


@pytest.fixture
def label_maps():
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, size=(9, 3, 4, 6)).astype(np.uint8)
    labels = generator.integers(0, 3, size=(9, 4, 6)).astype(np.uint8)
    labels[2, 0, :2] = VOID
    return SegmentationRecords(
        name="small",
        images=images,
        labels=labels,
        class_names=("ground", "cat", "dog"),
        train=np.array([5, 2, 0, 1]),
        validation=np.array([3, 4]),
        test=np.array([6, 8]),
        provenance=Provenance("generated", "random", "3 classes", "own"),
    )


def test_sound_records_have_no_problems(label_maps):
    assert label_maps.problems() == []
    assert checked(label_maps, "here") is label_maps


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"images": np.zeros((9, 4, 6), np.uint8)}, r"images: expected shape \(N, 3, H, W\), found \(9, 4, 6\)"),
        ({"images": np.zeros((9, 3, 4, 6))}, "images: expected uint8, found float64"),
        ({"labels": np.zeros((9, 6, 4), np.uint8)}, r"labels: expected shape \(9, 4, 6\).*found \(9, 6, 4\)"),
        ({"labels": np.full((9, 4, 6), 3, np.uint8)}, r"labels: expected 0..2 or 255 \(void\), found \[3\]"),
        ({"class_names": ("ground",)}, "class_names: expected 2 to 255, found 1"),
        ({"validation": np.array([], np.int64)}, "validation: expected row indices, found none"),
        ({"test": np.array([6, 9])}, "test: expected row indices in 0..8, found 6..9"),
        ({"test": np.array([6, 0])}, "splits: expected disjoint index sets without duplicates, 1 rows occur"),
    ],
)
def test_violations_are_named(label_maps, changes, expected):
    with pytest.raises(DataError, match=expected) as caught:
        checked(dataclasses.replace(label_maps, **changes), "folder/x")
    assert str(caught.value).startswith("folder/x: ")


def test_masks_that_are_void_everywhere(label_maps):
    labels = label_maps.labels.copy()
    labels[[3, 5]] = VOID
    void = dataclasses.replace(label_maps, labels=labels)
    assert void.problems() == [
        "labels: validation: expected masks with pixels that are not void, found 1 of 2 void everywhere"
    ]
    labels[3] = 0
    assert void.problems() == []
    assert void.doubts() == ["1 of 4 training masks are void everywhere: nothing is learnt from them."]
    labels[label_maps.train] = VOID
    assert void.problems() == [
        "labels: train: expected masks with pixels that are not void, found 4 of 4 void everywhere"
    ]


def test_classes_without_a_pixel_are_doubtful(label_maps):
    assert label_maps.doubts() == []
    labels = np.minimum(label_maps.labels, 1)
    assert dataclasses.replace(label_maps, labels=labels).doubts() == [
        f"No pixel of dog is in the {split} masks." for split in ("training", "validation", "test")
    ]


def test_description_counts_pixels(label_maps):
    text = "\n".join(describe(label_maps))
    assert "9 images of 6 x 4 pixels, 3 classes of pixels" in text
    share = 100 * np.mean(label_maps.labels[label_maps.train] == 1)
    row = next(line for line in text.splitlines() if line.split()[:2] == ["1", "cat"])
    assert float(row.split()[2]) == pytest.approx(share, abs=0.005)
    assert float(text.splitlines()[-1].split()[2]) == pytest.approx(100 * 2 / 96, abs=0.005)  # the void pixels
    assert dict(label_maps.facts())["rows"] == "4 train, 2 validation, 2 test"
    assert png(draw(label_maps)).startswith(b"\x89PNG")


def test_colours_of_labels():
    colours = colour_map(np.array([[0, 1, 2, VOID]], dtype=np.uint8))
    assert colours.shape == (1, 4, 3)
    assert len({tuple(colour) for colour in colours[0]}) == 4
    assert tuple(colours[0, 3]) == (255, 255, 255)
    twenty = colour_map(np.array([[*range(21), VOID]], dtype=np.uint8))[0].astype(float)
    apart = np.linalg.norm(twenty[:, None] - twenty, axis=2) + 999 * np.eye(22)
    assert apart.min() > 50  # as many as PASCAL VOC has classes, and none like another


def folds(records, flip=False):
    return segmentation_folds(records, SegmentationConf(name="small", flip=flip), None, torch.device("cpu"))


def test_pairs_are_the_records_rows(label_maps):
    stages = folds(label_maps)
    fold = stages.cut("fit")
    assert fold.train.shape.x == (3, 4, 6)
    assert fold.train.shape.y == (4, 6)
    assert fold.train.shape.classes == 3
    assert fold.evaluation.layout.class_names == ("ground", "cat", "dog")
    for view, rows in (
        (fold.train.pairs, label_maps.train),
        (fold.evaluation.pairs, label_maps.validation),
        (stages.tested("fit").evaluation.pairs, label_maps.test),
    ):
        x, y, valid = view.take(torch.arange(len(view)))
        np.testing.assert_allclose(x, label_maps.images[rows] / 255, rtol=1e-6)
        assert y.dtype == torch.int64
        np.testing.assert_array_equal(valid, label_maps.labels[rows] != VOID)
        np.testing.assert_array_equal(y[valid], label_maps.labels[rows][valid.numpy()])
        assert (y[~valid] == 0).all()


def test_without_void_pixels_nothing_is_masked(label_maps):
    whole = dataclasses.replace(label_maps, labels=label_maps.labels % 3)
    assert folds(whole).cut("fit").train.pairs.take(torch.arange(4)).valid is None


def test_flips_move_image_and_labels_together():
    images = torch.arange(2 * 3 * 2 * 4, dtype=torch.uint8).reshape(2, 3, 2, 4)
    labels = images[:, 0] % 5
    source = SegmentationSource(images, labels, flip=True)
    rows = torch.tensor([0, 1] * 200)
    x, y, _ = source.take(rows, torch.Generator().manual_seed(0))
    same = (x == images[rows] / 255).flatten(1).all(1)
    mirrored = (x == images[rows].flip(-1) / 255).flatten(1).all(1)
    assert (same ^ mirrored).all()
    assert 150 < mirrored.sum() < 250
    assert (y[same] == labels[rows][same]).all()
    assert (y[mirrored] == labels[rows][mirrored].flip(-1)).all()
    # Evaluation never flips, and neither does training that was not asked to.
    assert (source.take(rows, None).x == images[rows] / 255).all()
    plain = SegmentationSource(images, labels, flip=False)
    assert (plain.take(rows, torch.Generator().manual_seed(0)).x == images[rows] / 255).all()
