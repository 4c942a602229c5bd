"""Images of which some quadrants are observed and others predicted."""

import dataclasses
import os
from pathlib import Path

import numpy as np
import pytest
import torch

from zsl_runner.config.schema import TrainerConf
from zsl_runner.data.command.describe.completion import describe
from zsl_runner.data.load import cut_folds, load
from zsl_runner.data.pairs.completion.folds import CompletionSource
from zsl_runner.data.pairs.completion.options import QUADRANTS, quadrant_mask
from zsl_runner.data.records import Provenance
from zsl_runner.data.sources.digit_images import DigitImages, completion_records
from zsl_runner.data.sources.digits.conf import DigitsQuadrantConf
from zsl_runner.data.sources.mnist.conf import MNISTQuadrantConf
from zsl_runner.errors import DataError

CPU = torch.device("cpu")
TRAINER = TrainerConf(kind="x", name="x")


def conf(**options):
    return DigitsQuadrantConf(name="digits_quadrant", **options)


def make(side=4, count=12, **options):
    images = np.random.default_rng(0).integers(0, 256, (count, side, side), dtype=np.uint8)
    rows = (np.arange(0, 6), np.arange(6, 9), np.arange(9, count))
    provenance = Provenance("generated", "pixels", "", "own")
    digits = DigitImages(images, np.arange(count) % 10, *rows, provenance, "here")
    return completion_records(digits, conf(**options))


def source(records, **options):
    return CompletionSource(records, conf(**options), CPU)


@pytest.mark.parametrize(("observed", "predicted"), [(1, 588), (2, 392), (3, 196)])
def test_the_usual_quadrants_and_the_widths_of_their_outputs(observed, predicted):
    fold = cut_folds(load(conf(n_observed=observed)), conf(n_observed=observed), TRAINER, CPU).cut("fit")
    assert fold.train.shape.y == (predicted,)
    assert fold.train.shape.x == (784 - predicted,)
    assert (len(fold.train.pairs), len(fold.evaluation.pairs)) == (1200, 300)


def test_quadrants_are_disjoint_and_cover_the_image():
    masks = [quadrant_mask([name], 28) for name in QUADRANTS]
    assert np.array_equal(np.sum(masks, axis=0), np.ones((28, 28)))
    assert quadrant_mask(["bottom_left"], 28)[27, 0]
    assert quadrant_mask(["top_right"], 28)[0, 27]


def test_hidden_pixels_of_the_input_and_observed_ones_of_the_output_cannot_matter():
    records = make()
    rows = torch.arange(12)
    before = source(records).take(rows, None)
    images = records.images.copy()
    images[:, ~records.observed] ^= 0xFF
    changed = source(dataclasses.replace(records, images=images)).take(rows, None)
    assert torch.equal(before.x, changed.x)
    assert not torch.equal(before.y, changed.y)
    images = records.images.copy()
    images[:, records.observed] ^= 0xFF
    changed = source(dataclasses.replace(records, images=images)).take(rows, None)
    assert torch.equal(before.y, changed.y)
    assert not torch.equal(before.x, changed.x)


def test_hidden_pixels_hold_the_mask_value():
    records = make()
    x = source(records, mask_value=-1.0).take(torch.arange(3), None).x
    hidden = torch.from_numpy(~records.observed).flatten()
    assert (x[:, hidden] == -1).all()
    assert torch.equal(x[:, ~hidden], source(records).take(torch.arange(3), None).x)


def test_targets():
    records = make()
    rows = torch.arange(12)
    grey = source(records).take(rows, None).y
    assert torch.equal(grey * 255, torch.from_numpy(records.images[:, records.predicted]).float())
    assert torch.equal(source(records, target="threshold").take(rows, None).y, (grey > 0.5).float())


def test_sampled_targets_are_fixed_for_evaluation_drawn_for_training_and_have_the_grey_mean():
    sampled = source(make(count=12), target="sampled")
    rows = torch.arange(12)
    fixed = sampled.take(rows, None).y
    assert torch.equal(fixed, sampled.take(rows, None).y)
    assert torch.equal(fixed[3:5], sampled.take(rows[3:5], None).y)
    assert not torch.equal(fixed, source(make(), target="sampled", target_seed=1).take(rows, None).y)
    generator = torch.Generator().manual_seed(0)
    drawn = torch.stack([sampled.take(rows, generator).y for _ in range(2000)])
    grey = source(make()).take(rows, None).y
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    assert (drawn.mean(0) - grey).abs().max() < 5 * 0.5 / 2000**0.5


@pytest.mark.parametrize("grey", [0, 255])
def test_of_black_and_of_white_nothing_else_is_sampled(grey):
    records = make()
    records = dataclasses.replace(records, images=np.full_like(records.images, grey))
    generator = torch.Generator().manual_seed(0)
    sampled = source(records, target="sampled")
    for drawn in (
        sampled.take(torch.arange(12), None).y,
        *(sampled.take(torch.arange(12), generator).y for _ in range(50)),
    ):
        assert (drawn == grey / 255).all()


@pytest.mark.parametrize("options", [{}, {"mask_value": 0.0}])
def test_a_picture_is_put_together_again(options):
    records = make()
    fold = cut_folds(records, conf(**options), TRAINER, CPU).tested("fit")
    pair = fold.evaluation.pairs.take(torch.arange(3))
    whole = fold.evaluation.layout.picture(pair.x, pair.y)
    assert torch.equal(whole * 255, torch.from_numpy(records.images[9:12]).float())
    assert (fold.evaluation.layout.picture(pair.x)[:, torch.from_numpy(records.predicted)] == 0.5).all()


def test_test_rows_are_only_in_the_tested_fold():
    folds = cut_folds(make(), conf(), TRAINER, CPU)
    assert (folds.cut("fit").evaluation.name, folds.tested("fit").evaluation.name) == ("val", "test")
    assert (folds.cut("tune").evaluation.name, len(folds.cut("tune").evaluation.pairs)) == ("val", 3)
    for ask, stages in ((folds.cut, ("final", "Fit", "")), (folds.tested, ("tune", "final", "Fit", ""))):
        for stage in stages:
            with pytest.raises(ValueError, match="unknown stage"):
                ask(stage)


@pytest.mark.parametrize(
    ("options", "key", "message"),
    [
        ({"observed": ["top_left"], "predicted": ["top_left"]}, "predicted", "both observed and predicted"),
        ({"observed": list(QUADRANTS)}, "observed", "nothing is left to predict"),
        ({"observed": ["top_left"], "n_observed": 1}, "n_observed", "either"),
        ({"observed": []}, "observed", "one or more"),
        ({"predicted": ["top_right", "top_right"]}, "predicted", "different"),
        ({"target_seed": 3}, "target_seed", "no effect"),
    ],
)
def test_impossible_choices_are_complained_about(options, key, message):
    found = {problem.key: problem.message for problem in conf(**options).problems()}
    assert message in found[key]


def test_a_chosen_target_quadrant():
    records = make(observed=["top_left"], predicted=["bottom_right"])
    assert records.predicted.sum() == records.observed.sum() == 4
    assert not records.predicted[0, 2]


def test_inconsistent_images_are_refused():
    with pytest.raises(DataError, match="even side"):
        make(side=5)
    with pytest.raises(DataError, match="test: expected row indices, found none"):
        make(count=9)


def test_the_entropy_floor_is_that_of_the_grey_values():
    records = make()
    p = records.images[9:12][:, records.predicted].astype(np.float64) / 255
    with np.errstate(divide="ignore", invalid="ignore"):
        entropy = np.nan_to_num(-(p * np.log(p) + (1 - p) * np.log(1 - p)))
    assert records.entropy_floor(records.test) == pytest.approx(entropy.sum(1).mean())


@pytest.mark.skipif("ZSL_DATA" not in os.environ, reason="ZSL_DATA is not set: needs MNIST")
def test_mnist_has_its_official_rows():
    root = Path(os.environ["ZSL_DATA"]) / "mnist"
    records = load(MNISTQuadrantConf(name="mnist_quadrant", root=str(root)))
    assert {name: len(rows) for name, rows in records.splits().items()} == {"train": 50000, "val": 10000, "test": 10000}
    assert np.bincount(records.labels[records.test]).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert records.images[:60000].mean() / 255 == pytest.approx(0.1307, abs=1e-4)
    assert records.entropy_floor(records.test) == pytest.approx(34.2133, abs=1e-4)


def test_the_description_says_of_which_rows_the_floor_is():
    records = make()
    (line,) = (line for line in describe(records) if "floor" in line)
    assert f"{records.entropy_floor(records.test):.2f} nats" in line
    assert line.endswith("in a test image")
