"""What final classifiers are trained on."""

import dataclasses

import pytest
import torch

from tests.classifiers.generators import ClassGaussians
from tests.zero_shot import zero_shot_folds
from zsl_runner.classifiers import synthetic
from zsl_runner.classifiers.synthetic import RealRows, classifier_rows, real_inputs
from zsl_runner.errors import NonFiniteError
from zsl_runner.streams import Streams


@pytest.fixture
def train(records):
    return zero_shot_folds(records).final().train


@pytest.fixture
def model(train):
    draws = torch.Generator().manual_seed(0)
    means = torch.randn(len(train.class_vectors), train.features.width, generator=draws)
    return ClassGaussians(train.class_vectors, means)


def build(model, train, per_class=5, storage="float32", with_real=True, seed=0, seen=None):
    vectors = train.class_vectors[train.unseen_classes]
    real = RealRows.of(train, torch.arange(6) if seen is None else seen) if with_real else None
    return classifier_rows(model, vectors, per_class, Streams(seed), storage, real)


def test_real_rows_come_first_with_their_labels(model, train):
    rows = build(model, train)
    x = train.features.take(torch.arange(len(train.features)))
    assert torch.equal(rows.inputs[: rows.real], torch.cat([x, x.square()], 1))
    assert torch.equal(rows.labels[: rows.real], train.labels)  # seen classes are 0..5 here
    assert (rows.real, rows.seen, rows.unseen) == (len(train.features), 6, 3)


def test_every_prefix_of_rounds_holds_equally_many_rows_of_each_unseen_class(model, train):
    rows = build(model, train)
    for per_class in (1, 3, 5):
        inputs, labels = rows.conventional(per_class)
        assert len(inputs) == 3 * per_class
        assert torch.equal(labels.bincount(), torch.full((3,), per_class))
        inputs, labels = rows.joint(per_class)
        assert len(inputs) == rows.real + 3 * per_class
        assert torch.equal(labels.bincount()[6:], torch.full((3,), per_class))


def test_generated_rows_lie_where_their_labels_say(model, train):
    inputs, labels = build(model, train, per_class=200).conventional(200)
    for position, k in enumerate(train.unseen_classes):
        mean = inputs[labels == position, : train.features.width].mean(0)
        torch.testing.assert_close(mean, model.means[k], rtol=0, atol=0.1)


def test_labels_follow_the_order_of_the_classes(model, train):
    order = torch.tensor([4, 1, 0, 5, 3, 2])
    labels = build(model, train, seen=order).labels[: len(train.labels)]
    assert torch.equal(order[labels], train.labels)


def test_real_rows_of_unseen_classes_are_among_those_of_both_classifiers(model, train, records):
    fold = zero_shot_folds(records, shots=2).final()
    plain, rows = build(model, train), build(model, fold.train)
    few = rows.inputs[rows.real - 6 : rows.real]
    x = fold.train.features.take(torch.arange(120, 126))
    assert (rows.real, rows.few, rows.seen, rows.unseen) == (126, 6, 6, 3)
    assert torch.equal(few, torch.cat([x, x.square()], 1))
    inputs, labels = rows.conventional(4)
    assert torch.equal(inputs, torch.cat([few, plain.conventional(4)[0]]))
    assert torch.equal(labels, torch.cat([fold.train.labels[120:] - 6, plain.conventional(4)[1]]))
    inputs, labels = rows.joint(4)
    assert torch.equal(inputs, torch.cat([plain.inputs[:120], rows.conventional(4)[0]]))
    assert torch.equal(labels[120:], rows.conventional(4)[1] + 6)


def test_rows_are_sorted_by_kind_and_those_of_other_classes_left_out(model, train, records):
    few = zero_shot_folds(records, shots=2).final().train
    order = torch.randperm(len(few.labels), generator=torch.Generator().manual_seed(0))
    mixed = dataclasses.replace(few, features=few.features.part(order), labels=few.labels[order])
    rows = RealRows.of(mixed, torch.arange(6))
    assert (rows.few, rows.seen) == (6, 6)
    assert torch.equal(rows.labels, torch.cat([mixed.labels[mixed.labels < 6], mixed.labels[mixed.labels >= 6]]))
    for x, label in zip(rows.features.take(torch.arange(126)), rows.labels, strict=True):
        assert (few.features.take(torch.arange(126))[few.labels == label] == x).all(1).any()
    alone = RealRows.of(dataclasses.replace(mixed, unseen_classes=few.unseen_classes[1:]), torch.arange(6))
    assert (len(alone.labels), alone.few) == (124, 4)
    assert alone.labels[-4:].sort().values.tolist() == [6, 6, 7, 7]
    none = RealRows.of(dataclasses.replace(mixed, unseen_classes=few.unseen_classes[:0]), torch.arange(6))
    assert (len(none.labels), none.few) == (120, 0)


def test_without_real_rows_the_generated_ones_are_the_same(model, train):
    alone, joint = build(model, train, with_real=False), build(model, train)
    assert (alone.real, alone.seen) == (0, 0)
    for x, y in zip(alone.conventional(5), joint.conventional(5), strict=True):
        assert torch.equal(x, y)


def test_storage_costs_rounding_only(model, train):
    exact = build(model, train)
    for storage, dtype in synthetic.STORAGE.items():
        kept = build(model, train, storage=storage)
        assert torch.equal(kept.inputs, exact.inputs.to(dtype))
        assert torch.equal(real_inputs(model, train.features, storage), kept.inputs[: kept.real])


def test_inputs_are_made_in_evaluation_mode_and_the_mode_is_left_as_it_was(model, train):
    model.train()
    model.part.eval()
    rows = build(model, train)
    assert model.modes == {False}
    assert (model.training, model.part.training) == (True, False)
    assert not rows.inputs.requires_grad


def test_blocks_change_no_real_input(model, train, monkeypatch):
    whole = build(model, train)
    monkeypatch.setattr(synthetic, "BLOCK", 7)
    blocks = build(model, train)
    assert torch.equal(whole.inputs[: whole.real], blocks.inputs[: whole.real])
    assert torch.equal(whole.labels, blocks.labels)
    assert len(whole.inputs) == len(blocks.inputs)


def test_generated_features_that_are_not_finite_are_counted(model, train):
    model.means[train.unseen_classes[0]] = float("nan")
    with pytest.raises(NonFiniteError, match=r"5 of 15 generated and 0 of 120 real training rows.*learning rate"):
        build(model, train)


def test_values_beyond_float16_are_refused_and_float32_takes_them(model, train):
    model.means[train.unseen_classes] = 1e3  # squares of 1e6
    with pytest.raises(NonFiniteError, match=r"15 of 15 generated.*beyond float16.*keep the inputs as float32"):
        build(model, train, storage="float16")
    assert build(model, train).inputs.max() > 9e5


def test_a_model_may_draw_the_inputs_that_classifiers_are_trained_on(train, model):
    """Those of real rows and those of classes; without such methods they are `classifier_input` of the features."""

    class Drawing(ClassGaussians):
        def training_input(self, x, streams):
            return self.classifier_input(x) + torch.randn(len(x), 1, generator=streams["generate"])

        def synthesize_input(self, class_vectors, streams):
            return torch.full((len(class_vectors), 2 * self.means.shape[1]), 7.0)

    plain = build(model, train)
    rows = build(Drawing(train.class_vectors, model.means), train)
    assert torch.equal(rows.inputs[rows.real :], torch.full_like(rows.inputs[rows.real :], 7.0))
    shifts = (rows.inputs - plain.inputs)[: rows.real]
    assert shifts.std(0).min() > 0.5
    assert shifts.std(1).max() < 1e-3


@pytest.mark.parametrize("per_class", [1, 7, 20, 33])
def test_balanced_rows_are_as_many_of_each_class_and_each_about_equally_often(records, per_class):
    fold = zero_shot_folds(records, shots=2).final()
    order = torch.tensor([4, 1, 0, 5, 3, 2])
    real = RealRows.of(fold.train, order)
    rows = real.balanced(per_class, torch.Generator().manual_seed(0))
    assert torch.equal(rows.labels.bincount(), torch.full((9,), per_class))
    assert (rows.few, rows.seen) == (3 * per_class, 6)
    assert torch.equal(rows.labels, rows.labels.sort().values)  # real rows of unseen classes last
    classes = torch.cat([order, fold.train.unseen_classes])[rows.labels]
    assert torch.equal(torch.from_numpy(records.labels)[rows.features.rows], classes)
    for place in range(9):
        own = int((real.labels == place).sum())
        times = rows.features.rows[rows.labels == place].unique(return_counts=True)[1]
        assert len(times) == min(own, per_class)
        assert times.max() - times.min() <= 1
    again, other = (real.balanced(per_class, torch.Generator().manual_seed(seed)) for seed in (0, 1))
    assert torch.equal(rows.features.rows, again.features.rows)
    assert not torch.equal(rows.features.rows, other.features.rows)
