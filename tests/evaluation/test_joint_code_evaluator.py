"""Codes with continuous and discrete variables: accuracies, information, factors."""

import dataclasses
import itertools
import math
import re

import pytest
import torch

from zsl_runner.data.images.folds import (
    UNLABELLED,
    ImageEvaluationSet,
    ImageFold,
    ImageShape,
    ImageTrainingSet,
    ImageView,
    LabelledImages,
)
from zsl_runner.data.stages import spread
from zsl_runner.evaluation.joint_code.conf import JointCodeEvaluatorConf
from zsl_runner.evaluation.joint_code.encoding import _drawn, score_of_codes
from zsl_runner.evaluation.joint_code.evaluator import JointCodeEvaluator
from zsl_runner.evaluation.joint_code.figures import _shown_of
from zsl_runner.models.joint_code import JointCodeModel, JointPosterior
from zsl_runner.streams import Streams

SHAPE = ImageShape(1, 4, 4, 3)
LN3 = math.log(3)


class GreyLevels(JointCodeModel):
    """Reads the category and the continuous variable from two pixels; made by hand and right."""

    def __init__(self, categories=(3,)):
        super().__init__()
        self.continuous, self.categories, self.image = 2, categories, (1, 4, 4)
        self.temperature, self.hard, self.certainty = 0.67, False, 50.0

    def posterior(self, x):
        category = (x[:, 0, 0, 0] * 255 / 50).round().long()
        mean = torch.stack([x[:, 0, 0, 1] * 4 - 2, torch.zeros(len(x))], 1)
        logits = self.certainty * torch.nn.functional.one_hot(category % 3, 3).float()
        other = self.certainty * torch.nn.functional.one_hot(category // 3, 2).float()
        return JointPosterior(mean, torch.zeros_like(mean), (logits, other)[: len(self.categories)])

    def decode(self, code):
        return torch.zeros(len(code), 1, 4, 4)

    def reconstruction(self, x, logits):
        return (x - 0.5).abs().sum((1, 2, 3))


def fold(labels, training_labels, name="test", categories=None, factors=None, shape=SHAPE):
    """Images whose category is the label (or ``categories``), training images after the evaluated ones."""
    every = torch.cat([labels, training_labels])
    shown = torch.cat([labels if categories is None else categories, training_labels])
    images = torch.zeros(len(every), 1, 4, 4, dtype=torch.uint8)
    images[:, 0, 0, 0] = (50 * shown).to(torch.uint8)
    images[:, 0, 0, 1] = torch.arange(len(every)).remainder(256).to(torch.uint8)
    split = torch.arange(len(every)).split([len(labels), len(training_labels)])
    sets = [LabelledImages(ImageView(images, part), every[part]) for part in split]
    names = tuple("abcdef"[: shape.classes])
    rows = dataclasses.replace(sets[0], factors=factors)
    factor_names = () if factors is None else tuple("xyz"[: factors.shape[1]])
    evaluation = ImageEvaluationSet(name, rows, sets[1], sets[1], shape, names, factor_names)
    return ImageFold(ImageTrainingSet(sets[1].images, sets[1].labels, shape), evaluation)


def measured(data, model=None, **options):
    evaluator = JointCodeEvaluator(JointCodeEvaluatorConf(**options), seed=0)
    return evaluator.measure(model or GreyLevels(), data, {}).metrics


CYCLE = torch.arange(60) % 3


def test_a_perfect_code():
    metrics = measured(fold(CYCLE, CYCLE))
    assert metrics["test/accuracy_majority"] == metrics["test/accuracy_hungarian"] == 100
    assert metrics["test/mutual_information"] == pytest.approx(LN3)
    assert metrics["test/usage_entropy"] == pytest.approx(LN3)
    assert metrics["test/KL_c"] == pytest.approx(LN3)
    assert metrics["test/active_latents"] == 1
    assert metrics.keys() == {f"test/{name}" for name in JointCodeEvaluatorConf.quantities} - {"test/factor_vae_score"}


def test_a_collapsed_code_has_the_divergence_of_a_perfect_one_and_tells_nothing():
    metrics = measured(fold(CYCLE, torch.zeros(60).long(), categories=torch.zeros(60).long()))
    assert metrics["test/KL_c"] == pytest.approx(LN3)
    assert metrics["test/mutual_information"] == pytest.approx(0, abs=1e-6)
    assert metrics["test/usage_entropy"] == pytest.approx(0, abs=1e-6)
    assert metrics["test/accuracy_majority"] == pytest.approx(100 / 3)


def test_the_mapping_is_fitted_on_training_labels():
    """Test labels are those of training renamed: fitted on test rows the accuracy would be 100."""
    renamed = (CYCLE + 1) % 3
    metrics = measured(fold(renamed, CYCLE, categories=CYCLE))
    assert metrics["test/accuracy_majority"] == metrics["test/accuracy_hungarian"] == 0


def test_categories_may_share_a_class_but_not_one_to_one():
    shape = ImageShape(1, 4, 4, 2)
    labels = torch.tensor([0, 0, 1] * 20)
    two = fold(labels, labels, categories=CYCLE, shape=shape)
    # Training images of class 0 show categories 0 and 1, as the evaluated ones do.
    images = two.evaluation.training.images.take(torch.arange(60))
    assert images.shape == (60, 1, 4, 4)
    shown = torch.cat([CYCLE, CYCLE])
    pixels = torch.zeros(120, 1, 4, 4, dtype=torch.uint8)
    pixels[:, 0, 0, 0] = (50 * shown).to(torch.uint8)
    first, last = torch.arange(120).split(60)
    sets = [LabelledImages(ImageView(pixels, part), labels) for part in (first, last)]
    evaluation = dataclasses.replace(two.evaluation, rows=sets[0], training=sets[1])
    metrics = measured(ImageFold(two.train, evaluation))
    assert metrics["test/accuracy_majority"] == 100
    assert metrics["test/accuracy_hungarian"] == pytest.approx(200 / 3)


def test_a_validation_fits_on_training_images_of_all_classes():
    """Training images may stand in the order of their classes."""
    data = fold(CYCLE, CYCLE.sort().values, name="val")
    assert measured(data, mapping_rows=12)["val/accuracy_majority"] == 100


def test_a_validation_fits_on_some_training_images_only():
    misleading = (CYCLE + 1) % 3
    misleading[spread(60, 30)] = CYCLE[spread(60, 30)]
    data = fold(CYCLE, CYCLE, name="val")
    wrong = dataclasses.replace(data.evaluation.training, labels=misleading)
    data = ImageFold(data.train, dataclasses.replace(data.evaluation, training=wrong))
    assert measured(data, mapping_rows=30)["val/accuracy_majority"] == 100
    assert measured(data, mapping_rows=30, batch_size=7)["val/accuracy_majority"] == 100
    both = dataclasses.replace(data, evaluation=dataclasses.replace(data.evaluation, name="test"))
    flipped = dataclasses.replace(wrong, labels=misleading.flip(0))
    last = dataclasses.replace(both, evaluation=dataclasses.replace(both.evaluation, training=flipped))
    assert measured(last, mapping_rows=1)["test/accuracy_majority"] != 100


def test_with_two_discrete_variables_a_category_is_a_combination():
    shape = ImageShape(1, 4, 4, 5)
    labels = torch.arange(60) % 5
    metrics = measured(fold(labels, labels, shape=shape), GreyLevels(categories=(3, 2)))
    assert metrics["test/accuracy_majority"] == metrics["test/accuracy_hungarian"] == 100
    alone = measured(fold(labels, labels, shape=shape), GreyLevels(categories=(3,)))
    assert alone["test/accuracy_majority"] == 60


def test_without_classes_or_categories_there_is_no_accuracy():
    shape = ImageShape(1, 4, 4, 0)
    unknown = torch.full((60,), UNLABELLED)
    data = fold(CYCLE, CYCLE, shape=shape)
    rows = dataclasses.replace(data.evaluation.rows, labels=unknown)
    data = ImageFold(data.train, dataclasses.replace(data.evaluation, rows=rows))
    metrics = measured(data)
    assert "test/accuracy_majority" not in metrics
    assert metrics["test/mutual_information"] == pytest.approx(LN3)
    continuous = measured(fold(CYCLE, CYCLE), GreyLevels(categories=()))
    assert continuous["test/KL_c"] == 0
    assert "test/mutual_information" not in continuous


def test_measuring_twice_is_measuring_once():
    factors = torch.stack([CYCLE, torch.arange(60) % 4], 1)
    data = fold(CYCLE, CYCLE, factors=factors)
    before = torch.get_rng_state()
    assert measured(data, factor_votes=20) == measured(data, factor_votes=20)
    assert torch.equal(torch.get_rng_state(), before)


VALUES = torch.tensor(list(itertools.product(range(3), range(6), range(8), range(8))))


def score(means, categories, counts, seed=0, votes=400):
    return score_of_codes(means, categories, counts, VALUES, votes, 100, Streams(seed)["votes"])


def test_a_hand_made_code_of_factors_scores_one():
    """Three factors as continuous variables in any units, one as a category; a dead variable does no harm."""
    means = torch.stack([VALUES[:, 1] * 0.3, VALUES[:, 2] * 5.0, VALUES[:, 3] * 1.0, torch.zeros(len(VALUES))], 1)
    assert score(means, VALUES[:, :1], (3,)) == 1.0


def test_a_random_code_scores_about_one_in_the_number_of_factors():
    generator = torch.Generator().manual_seed(1)
    means = torch.randn(len(VALUES), 6, generator=generator)
    categories = torch.randint(3, (len(VALUES), 1), generator=generator)
    found = [score(means, categories, (3,), seed) for seed in range(4)]
    assert sum(found) / 4 == pytest.approx(1 / 4, abs=0.06)


def test_a_code_of_half_of_the_factors_scores_in_between():
    means = torch.stack([VALUES[:, 2] * 1.0, VALUES[:, 3] * 1.0], 1)
    assert 0.45 < score(means, VALUES[:, :0], ()) < 0.85


def test_a_code_that_never_varies_scores_nothing():
    assert score(torch.zeros(len(VALUES), 3), VALUES[:, :0], ()) == 0.0


def test_images_of_a_vote_have_the_value_of_a_random_image_and_are_any_of_those():
    values = torch.tensor([3, 0, 3, 7, 3, 0, 3, 7, 7, 3])
    drawn = _drawn(values, torch.Generator().manual_seed(0), batch=64, times=3000)
    found = values[drawn]
    assert torch.equal(found, found[:, :1].expand_as(found))
    shares = [(found[:, 0] == value).double().mean().item() for value in (0, 3, 7)]
    assert shares == pytest.approx([0.2, 0.5, 0.3], abs=0.03)
    for value in (0, 3, 7):
        images, counts = drawn[found == value].unique(return_counts=True)
        assert torch.equal(values[images], torch.full_like(images, value))
        assert len(images) == int((values == value).sum())
        assert (counts / counts.sum()).tolist() == pytest.approx([1 / len(images)] * len(images), rel=0.03)


def test_a_variable_takes_part_from_a_variance_of_a_twentieth_on():
    unit = (VALUES[:, 2:3] / VALUES[:, 2].double().std()).float()
    assert score(0.048**0.5 * unit, VALUES[:, :0], ()) == 0.0
    assert score(0.052**0.5 * unit, VALUES[:, :0], ()) > 0.2


class Binary(GreyLevels):
    """Thirty-two variables that copy the first one's answer to the question whether the class is its own."""

    def posterior(self, x):
        code = super().posterior(x)
        sure = self.certainty * torch.stack([code.logits[0][:, 0], -code.logits[0][:, 0]], 1)
        return JointPosterior(code.mean, code.log_var, (sure,) * 31 + (sure.flip(1),))


def test_only_combinations_that_occur_take_memory():
    labels = torch.arange(60) % 2
    for name in ("val", "test"):
        metrics = measured(fold(labels, labels, name=name), Binary(categories=(2,) * 32))
        assert metrics[f"{name}/accuracy_majority"] == metrics[f"{name}/accuracy_hungarian"] == 100


class Categories(GreyLevels):
    """Has no continuous variable, and its categories share no pixel."""

    def __init__(self, categories):
        super().__init__(categories)
        self.continuous = 0

    def posterior(self, x):
        nothing = torch.zeros(len(x), 0)
        logits = [torch.zeros(len(x), count) for count in self.categories]
        return JointPosterior(nothing, nothing, tuple(logits))

    def decode(self, code):
        return code.argmax(1).float().reshape(-1, 1, 1, 1).expand(-1, 1, 4, 4)


@pytest.mark.parametrize(
    ("model", "columns", "lines"),
    [
        (GreyLevels(), 10, ["z1", "z2", "c1  3, again"]),
        (Categories((3,)), 3, ["c1"]),
        (Categories((12,)), 12, ["c1"]),
        (Categories((12, 5)), 12, ["c1", "c2  5, again"]),
    ],
)
def test_lines_of_the_traversals_say_which_categories_they_show(model, columns, lines):
    data, evaluator = fold(CYCLE, CYCLE), JointCodeEvaluator(JointCodeEvaluatorConf(), seed=0)
    measurement = evaluator.measure(model, data, {})
    draw = dict(evaluator.figures(model, data.evaluation, measurement, {}))["traversals"]
    (axes,) = draw().axes
    names = [label.get_text() for label in axes.get_yticklabels()]
    assert [re.sub(r"  -?\d+\.\d+", "", name) for name in names] == lines
    found = [label.get_text() for label in axes.get_xticklabels()]
    assert len(found) == columns
    if not model.continuous:
        assert found == list(map(str, range(columns)))


def test_a_line_of_more_categories_than_columns_says_how_many_there_are():
    assert _shown_of(20, 10) == "  10 of 20"
