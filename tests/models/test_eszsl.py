import dataclasses

import numpy as np
import pytest
import torch

from tests.models.contract import ModelContract
from tests.models.real_data import final_fold, zero_shot_metrics
from tests.zero_shot import zero_shot_folds
from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.errors import RunError
from zsl_runner.models.eszsl.conf import ESZSLConf
from zsl_runner.models.eszsl.model import ESZSL
from zsl_runner.streams import Streams


class TestESZSLContract(ModelContract):
    def conf(self):
        return ESZSLConf(feature_penalty=1.0, class_penalty=0.1)


class TestSignedESZSLContract(ModelContract):
    def conf(self):
        return ESZSLConf(feature_penalty=1.0, class_penalty=0.1, labels="signed")


def fit(fold, **options):
    data = fold.train
    model = ESZSL(
        ESZSLConf(**options), ZeroShotShape(data.features.width, *reversed(data.class_vectors.shape)), Streams(0)
    )
    return model, model.fit(data)


@pytest.fixture
def fold(records):
    return TestESZSLContract.fold.__wrapped__(None, records)


@pytest.mark.parametrize(("labels", "negative"), [("one_hot", 0.0), ("signed", -1.0)])
def test_fit_is_the_papers_formula_on_all_rows(fold, labels, negative):
    model, summary = fit(fold, feature_penalty=2.0, class_penalty=0.3, labels=labels)
    data = fold.train
    x = data.features.take(torch.arange(len(data.features))).double()
    a = data.class_vectors[data.labelled_classes].double()
    y = torch.where(data.labels[:, None] == data.labelled_classes, 1.0, negative).double()
    left = torch.linalg.inv(x.T @ x + 2.0 * torch.eye(x.shape[1], dtype=torch.float64))
    right = torch.linalg.inv(a.T @ a + 0.3 * torch.eye(a.shape[1], dtype=torch.float64))
    expected = left @ x.T @ y @ a @ right
    torch.testing.assert_close(model.map.double(), expected, rtol=1e-5, atol=1e-6)
    assert summary["squared_error"].item() == pytest.approx((x @ expected @ a.T - y).square().mean().item(), rel=1e-9)


@pytest.mark.parametrize("key", ["feature_penalty", "class_penalty"])
def test_a_penalty_below_the_rounding_of_the_sums_is_refused_by_name(records, key):
    doubled = dataclasses.replace(
        records,
        features=np.tile(records.features, (1, 2)),
        class_vectors=np.tile(records.class_vectors, (1, 2)),
    )
    fold = zero_shot_folds(doubled).cut("final")
    with pytest.raises(RunError, match=rf"model\.{key}=1e-30 .*make it larger"):
        fit(fold, **{"feature_penalty": 1.0, "class_penalty": 1.0, key: 1e-30})
    fit(fold, feature_penalty=1e-3, class_penalty=1e-3)


@pytest.mark.parametrize("key", ["feature_penalty", "class_penalty"])
def test_a_penalty_that_leaves_nothing_of_the_map_is_refused_by_name(records, key):
    fold = zero_shot_folds(records).cut("final")
    with pytest.raises(RunError, match=rf"model\.{key}=1e\+300 .*make the larger one smaller"):
        fit(fold, **{"feature_penalty": 1.0, "class_penalty": 1.0, key: 1e300})
    model, _ = fit(fold, feature_penalty=1e15, class_penalty=1e15)
    assert model.map.any()


# Penalties as selected on validation classes; expectations from data/README.md of the shared data.
@pytest.mark.parametrize(
    ("name", "semantics", "feature_penalty", "class_penalty", "expected"),
    [
        ("CUB", "att", 1e3, 0.1, {"T1": (54, 57)}),
        pytest.param("CUB", "att", 1e3, 100.0, {"H": (27.5, 28.5)}, marks=pytest.mark.slow),
        pytest.param("CUB", "sent", 1e3, 10.0, {"T1": (72.5, 74.5), "H": (51.5, 52.5)}, marks=pytest.mark.slow),
        ("AWA1", "att", 10.0, 0.1, {"T1": (30.5, 31.9)}),
        ("FLO89", "att", 1e3, 0.1, {"T1": (59.2, 59.6), "H": (44.3, 45.1)}),
    ],
)
def test_known_results_on_real_data(name, semantics, feature_penalty, class_penalty, expected):
    fold = final_fold(name, semantics)
    model, _ = fit(fold, feature_penalty=feature_penalty, class_penalty=class_penalty)
    found = zero_shot_metrics(model, fold.evaluation)
    assert found["T1"] >= found["U"]
    for metric, (low, high) in expected.items():
        assert low <= found[metric] <= high, (metric, found)
