import dataclasses

import numpy as np
import pytest
import torch
from sklearn.linear_model import Ridge

from tests.memory import largest_allocation
from tests.models.contract import ModelContract
from tests.models.real_data import final_fold, zero_shot_metrics
from tests.zero_shot import zero_shot_folds
from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.errors import RunError
from zsl_runner.models.ridge_prototype.conf import RidgePrototypeConf
from zsl_runner.models.ridge_prototype.model import RidgePrototype
from zsl_runner.streams import Streams


class TestClassToFeatureContract(ModelContract):
    def conf(self):
        return RidgePrototypeConf(penalty=0.1)


class TestFeatureToClassContract(ModelContract):
    def conf(self):
        return RidgePrototypeConf(direction="feature_to_class", seen_prototypes="predicted", penalty=1.0)


@pytest.fixture
def data(records):
    return zero_shot_folds(records).cut("final").train


def fit(data, **options):
    shape = ZeroShotShape(data.features.width, data.class_vectors.shape[1], len(data.class_vectors))
    model = RidgePrototype(RidgePrototypeConf(**options), shape, Streams(0))
    return model, model.fit(data)


def rows_of(data):
    return data.features.take(torch.arange(len(data.features)))


def test_class_to_feature_is_ridge_regression_of_class_means(data):
    model, summary = fit(data, penalty=0.7)
    x, seen = rows_of(data), data.labelled_classes
    means = torch.stack([x[data.labels == label].mean(0) for label in seen]).numpy()
    vectors = data.class_vectors[seen].numpy()
    reference = Ridge(alpha=0.7).fit(vectors, means)
    np.testing.assert_allclose(model.map.numpy(), reference.coef_.T, rtol=2e-4, atol=1e-4)
    np.testing.assert_allclose(model.offset.numpy(), reference.intercept_, rtol=2e-4, atol=1e-4)
    error = np.square(reference.predict(vectors) - means).sum(1).mean()
    assert summary["squared_error"].item() == pytest.approx(error, rel=1e-3)


def test_feature_to_class_is_ridge_regression_of_class_vectors(data):
    model, summary = fit(data, direction="feature_to_class", seen_prototypes="predicted", penalty=3.0)
    x, targets = rows_of(data).double().numpy(), data.class_vectors[data.labels].double().numpy()
    reference = Ridge(alpha=3.0).fit(x, targets)
    np.testing.assert_allclose(model.map.numpy(), reference.coef_.T, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(model.offset.numpy(), reference.intercept_, rtol=1e-4, atol=1e-6)
    error = np.square(reference.predict(x) - targets).sum(1).mean()
    assert summary["squared_error"].item() == pytest.approx(error, rel=1e-6)


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_scores_compare_rows_with_prototypes(data, metric):
    model, _ = fit(data, penalty=0.1, metric=metric, seen_prototypes="predicted")
    x, unseen = rows_of(data)[:7], data.class_vectors[data.unseen_classes]
    prototypes = unseen @ model.map + model.offset
    if metric == "cosine":
        expected = torch.nn.functional.cosine_similarity(x[:, None], prototypes[None], dim=2)
    else:
        expected = -(x[:, None] - prototypes[None]).square().sum(2)
    torch.testing.assert_close(model.class_scores(x, unseen), expected, rtol=1e-4, atol=1e-4)


def test_a_seen_class_is_compared_with_the_mean_of_its_rows_wherever_it_stands(data):
    model, _ = fit(data, metric="euclidean")
    order = torch.cat([data.unseen_classes, torch.flip(data.labelled_classes, dims=(0,))])
    x = rows_of(data)[:5]
    scores = model.class_scores(x, data.class_vectors[order])
    for column, label in enumerate(order.tolist()):
        if label in data.labelled_classes.tolist():
            mean = rows_of(data)[data.labels == label].mean(0)
        else:
            mean = data.class_vectors[label] @ model.map + model.offset
        torch.testing.assert_close(scores[:, column], -(x - mean).square().sum(1), rtol=1e-4, atol=1e-3)


def test_vectors_of_several_seen_classes_stand_for_the_first_and_zeros_have_no_sign(data):
    vectors = data.class_vectors.clone()
    first, second = data.labelled_classes[:2].tolist()
    vectors[first, 0] = vectors[second, 0] = 0.0
    vectors[second] = vectors[first]
    model, _ = fit(dataclasses.replace(data, class_vectors=vectors), metric="euclidean")
    given = vectors[[second, first]]
    given[0, 0] = -0.0
    mean = rows_of(data)[data.labels == first].mean(0)
    x = rows_of(data)[:5]
    expected = -(x - mean).square().sum(1, keepdim=True).expand(5, 2)
    torch.testing.assert_close(model.class_scores(x, given), expected, rtol=1e-4, atol=1e-3)


@pytest.mark.parametrize("towards", [np.inf, -np.inf])
def test_vectors_with_other_last_bits_are_those_of_the_same_classes(data, towards):
    model, _ = fit(data, metric="euclidean")
    vectors, x = data.class_vectors, rows_of(data)
    moved = torch.from_numpy(np.nextafter(vectors.numpy(), np.float32(towards)))
    seen = data.labelled_classes
    assert not moved.equal(vectors)
    assert model.class_scores(x, moved[seen]).equal(model.class_scores(x, vectors[seen]))
    apart = vectors[seen] + 1e-3 * vectors[seen].norm(dim=1, keepdim=True)
    assert not model._known_mean(apart)[0].any()


def test_of_two_classes_that_are_nearly_one_the_nearer_counts(data):
    vectors = data.class_vectors.clone()
    first, second = data.labelled_classes[:2].tolist()
    vectors[second] = vectors[first] * (1 + 5e-6)
    model, _ = fit(dataclasses.replace(data, class_vectors=vectors))
    assert model._known_mean(vectors[[second, first]])[1].equal(model.known_means[[second, first]])


def test_a_model_that_was_not_fitted_knows_no_class():
    model = RidgePrototype(RidgePrototypeConf(), ZeroShotShape(3, 2, 4), Streams(0))
    is_known, means = model._known_mean(torch.zeros(5, 2))
    assert (is_known.shape, means.shape) == ((5, 1), (5, 3))
    assert not is_known.any()


def test_thousands_of_classes_are_not_compared_pair_by_pair():
    """A truth value for each pair of 5,000 classes and each of 1,024 entries was 26 gigabytes."""
    classes, width = 600, 64
    model = RidgePrototype(RidgePrototypeConf(), ZeroShotShape(3, width, classes), Streams(0))
    model.known_vectors.copy_(torch.randn(classes, width, generator=torch.Generator().manual_seed(0)))
    model.known[::2] = True
    model.known_means.copy_(torch.arange(classes)[:, None].expand(classes, 3))
    x = torch.ones(2, 3)
    assert largest_allocation(lambda: model.class_scores(x, model.known_vectors)) < classes**2
    assert model._known_mean(model.known_vectors)[0].squeeze(1).equal(model.known)
    assert model._known_mean(model.known_vectors)[1][::2, 0].equal(torch.arange(0.0, classes, 2))


def test_impossible_combination_is_reported():
    assert [c.key for c in RidgePrototypeConf(direction="feature_to_class").problems()] == ["seen_prototypes"]
    assert not list(RidgePrototypeConf().problems())


def test_a_penalty_below_the_rounding_of_the_scatter_is_refused_by_name(records):
    doubled = dataclasses.replace(records, class_vectors=np.tile(records.class_vectors, (1, 2)))
    data = zero_shot_folds(doubled).cut("final").train
    with pytest.raises(RunError, match=r"model\.penalty=1e-30 .*make it larger"):
        fit(data, penalty=1e-30)
    fit(data, penalty=1e-3)


@pytest.mark.parametrize("direction", ["class_to_feature", "feature_to_class"])
def test_a_penalty_that_leaves_nothing_of_the_map_is_refused_by_name(records, direction):
    data = zero_shot_folds(records).cut("final").train
    options = {"direction": direction, "seen_prototypes": "predicted"}
    with pytest.raises(RunError, match=r"model\.penalty=1e\+300 .*make it smaller"):
        fit(data, penalty=1e300, **options)
    assert fit(data, penalty=1e15, **options)[0].map.any()


def test_real_result_beats_the_bilinear_map_on_flowers():
    """ESZSL reaches T1 59.4 and H 44.8 on these features."""
    fold = final_fold("FLO89", feature_scaling="center_l2")
    model, _ = fit(fold.train, penalty=0.1, metric="euclidean")
    found = zero_shot_metrics(model, fold.evaluation)
    assert found["T1"] > 60
    assert found["H"] > 50
