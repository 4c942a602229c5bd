from dataclasses import replace

import numpy as np
import pytest
import torch
from rich.cells import cell_len

from tests.mnist_files import idx, random_digits
from zsl_runner.config.schema import ModelConf, TrainerConf
from zsl_runner.data.command.describe import describe, draw
from zsl_runner.data.images.folds import UNLABELLED, image_folds
from zsl_runner.data.images.labels import labelled_rows
from zsl_runner.data.images.pixels import resized
from zsl_runner.data.records import checked
from zsl_runner.data.sources.digits.conf import DigitsImagesConf
from zsl_runner.data.sources.digits.source import load_images as load_digits_images
from zsl_runner.data.sources.mnist.conf import MNISTImagesConf
from zsl_runner.data.sources.mnist.source import load_images as load_mnist_images
from zsl_runner.errors import DataError


@pytest.fixture(scope="module")
def records():
    return load_digits_images(DigitsImagesConf(name="digits_images", labelled=103))


def folds(records):
    return image_folds(records, DigitsImagesConf(), TrainerConf(), torch.device("cpu"))


def test_classes_are_balanced_and_a_small_draw_is_part_of_a_larger_one():
    labels = np.random.default_rng(0).integers(0, 10, size=2000)
    rows = np.arange(200, 1900)
    small = labelled_rows(labels, rows, 10, 100, 3, "here")
    large = labelled_rows(labels, rows, 10, 1000, 3, "here")
    assert np.bincount(labels[small]).tolist() == [10] * 10
    assert np.bincount(labels[large]).tolist() == [100] * 10
    assert set(small) <= set(large) <= set(rows)
    assert not np.array_equal(small, labelled_rows(labels, rows, 10, 100, 4, "here"))
    uneven = np.bincount(labels[labelled_rows(labels, rows, 10, 103, 3, "here")])
    assert sorted(uneven) == [10] * 7 + [11] * 3
    assert np.array_equal(labelled_rows(labels, rows, 10, None, 3, "here"), rows)


@pytest.mark.parametrize(
    ("count", "message"),
    [
        (9, "leaves classes without a labelled image; there are 10 classes"),
        (101, "more labels than there are training images"),
        (60, "6 labelled images of class 0, which has 5 training images"),
    ],
)
def test_impossible_numbers_of_labels(count, message):
    labels = np.repeat(np.arange(10), [5, *[10] * 7, 12, 13])
    with pytest.raises(DataError, match=f"^here: .*{message}"):
        labelled_rows(labels, np.arange(100), 10, count, 0, "here")


def test_training_sees_only_the_labels_it_may(records):
    fold = folds(records).cut("fit")
    assert len(fold.train.labelled) == 103
    own = torch.from_numpy(records.labels[records.train])
    seen = fold.train.labels
    assert torch.equal(seen[fold.train.labelled], own[fold.train.labelled])
    assert (seen == UNLABELLED).sum() == 1200 - 103
    assert torch.equal(fold.evaluation.training.labels, own)


@pytest.mark.parametrize(("labelled", "kept"), [(103, 103), (600, 250), (1150, 450), (None, 500)])
def test_a_limited_training_set_has_as_many_images_as_it_was_asked_for(records, labelled, kept):
    """Half of them with a label, and of the scarcer kind at most all."""
    few = np.sort(records.train[:labelled])
    train = folds(replace(records, labelled=few)).cut("fit").train
    small = train.limited(500)
    assert (len(train.images), len(small.images), len(small.labelled)) == (1200, 500, kept)
    assert len(small.images.rows.unique()) == 500
    assert torch.equal(
        small.labels[small.labelled], torch.from_numpy(records.labels)[small.images.rows[small.labelled]]
    )


def test_stages(records):
    stages = folds(records)
    validation, test = stages.cut("fit").evaluation, stages.tested("fit").evaluation
    assert (validation.name, len(validation.rows)) == ("val", 300)
    assert (test.name, len(test.rows)) == ("test", 297)
    assert torch.equal(test.validation.labels, validation.rows.labels)
    expected = torch.from_numpy(records.images[records.test[[0, 5]]]) / 255
    assert torch.equal(test.rows.images.take(torch.tensor([0, 5])), expected)
    blocks = torch.cat([images for _, images in test.rows.images.blocks(100)])
    assert torch.equal(blocks, torch.from_numpy(records.images[records.test]) / 255)
    shape = test.shape
    assert (shape.channels, shape.height, shape.width, shape.classes, shape.entries) == (1, 28, 28, 10, 784)
    for ask in (stages.cut, stages.tested):
        with pytest.raises(ValueError, match="unknown stage 'final'"):
            ask("final")


def test_size_of_images():
    larger = load_digits_images(DigitsImagesConf(name="digits_images", side=32))
    assert larger.images.shape == (1797, 1, 32, 32)
    checks = np.kron(np.array([[0, 255], [255, 0]]), np.ones((4, 4))).astype(np.uint8)[np.newaxis]
    assert resized(checks, 8) is checks
    doubled = resized(checks, 16)
    assert doubled.shape == (1, 16, 16)
    assert doubled[0, 0, 0] == 0
    assert doubled[0, 0, -1] == 255
    assert doubled.mean() == pytest.approx(checks.mean(), abs=1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": np.zeros((1797, 1, 4, 4), dtype=np.uint8)}, "expected contrast"),
        ({"images": np.zeros((1797, 2, 4, 4), dtype=np.uint8)}, "expected shape"),
        ({"labels": np.full(1797, 10)}, r"labels: expected 0\.\.9, found 10\.\.10"),
        ({"labels": np.zeros(5, dtype=np.int64)}, "labels: expected 1797"),
        ({"test": np.arange(5)}, "5 rows occur more than once"),
        ({"test": np.array([], dtype=np.int64)}, "test: expected row indices, found none"),
        ({"labelled": np.array([1790])}, "labelled: expected training rows only"),
        ({"factors": np.zeros((1797, 2), dtype=np.int64)}, "factors: expected shape"),
    ],
)
def test_inconsistent_images_are_refused(records, change, message):
    with pytest.raises(DataError, match=message):
        checked(replace(records, **change), "here")


def test_the_record_says_which_labels_were_used():
    class Unsupervised(ModelConf):
        def uses_labels(self):
            return False

    some, every = DigitsImagesConf(labelled=100), DigitsImagesConf()
    assert some.setting(ModelConf(), TrainerConf()) == {"kind": "semi-supervised, 100 labels"}
    assert every.setting(ModelConf(), TrainerConf()) == {"kind": "supervised"}
    assert some.setting(Unsupervised(), TrainerConf()) == {"kind": "unsupervised"}


@pytest.mark.parametrize("labelled", [9, 1201])
def test_numbers_of_labels_that_cannot_be_are_refused_before_a_run(labelled):
    (problem,) = DigitsImagesConf(labelled=labelled).problems()
    assert problem.key == "labelled"
    assert "10 (one image of each class) to 1,200" in problem.message


def test_a_long_or_wide_name_of_a_class_moves_no_column(records):
    names = ("a_very_long_name_of_a_class", "大熊猫", *records.class_names[2:])
    table = list(describe(replace(records, class_names=names)))[-11:]
    assert len({cell_len(line) for line in table}) == 1


def test_description_and_picture(records):
    text = "\n".join(describe(records))
    assert "1,797 images of 28 x 28 pixels, 1 channel, 10 classes" in text
    assert "103 of the training images have one" in text
    line = next(line for line in text.splitlines() if line.split()[:1] == ["3"])
    counts = [int((records.labels[rows] == 3).sum()) for rows in (*records.splits().values(), records.labelled)]
    assert [int(word) for word in line.split()[1:]] == counts
    (axes,) = draw(records).axes  # one image draws faster than 120
    (image,) = axes.images
    assert image.get_array().shape == (10 * 29 - 1, 12 * 29 - 1)
    assert [label.get_text() for label in axes.get_yticklabels()] == list(records.class_names)
    third = records.train[records.labels[records.train] == 3][2]
    assert (image.get_array()[3 * 29 : 3 * 29 + 28, 2 * 29 : 2 * 29 + 28] == records.images[third, 0]).all()


def test_mnist(tmp_path):
    for name, array in random_digits().items():
        (tmp_path / name).write_bytes(idx(array))
    conf = MNISTImagesConf(name="mnist", root=str(tmp_path), validation_rows=50, labelled=20, side=32, test_limit=7)
    records = load_mnist_images(conf)
    assert {name: len(rows) for name, rows in records.splits().items()} == {"train": 150, "val": 50, "test": 7}
    assert records.images.shape == (300, 1, 32, 32)
    assert len(records.labelled) == 20
    assert len(records.provenance.files) == 4
    assert records.provenance.split_version == "official test file, its first 7 images"
    (problem,) = MNISTImagesConf(name="mnist", root=str(tmp_path), train_limit=50_001).problems()
    assert problem.key == "train_limit"
