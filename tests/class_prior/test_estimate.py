"""Priors estimated with a generator and unlabelled rows."""

import dataclasses

import numpy as np
import pytest
import torch

from tests.classifiers.generators import honest_generator
from tests.conftest import make_records
from tests.weights import same, weights_of
from tests.zero_shot import zero_shot_folds
from zsl_runner.class_prior.estimate import STRATEGIES, checked_prior, estimate
from zsl_runner.class_prior.predictions import prior_error
from zsl_runner.classifiers.conf import ClassifierConf
from zsl_runner.errors import NonFiniteError, RunError
from zsl_runner.streams import Streams

CONF = ClassifierConf(synthetic_per_class=60, epochs=20, lr=0.01)
TRUTH = torch.tensor([0.6, 0.3, 0.1])


@pytest.fixture
def fold():
    """Unseen classes with 60, 30 and 10 rows."""
    records = make_records(rows=60)
    unseen = records.test_unseen
    kept = np.concatenate([unseen[records.labels[unseen] == k][:n] for k, n in ((6, 60), (7, 30), (8, 10))])
    records = dataclasses.replace(records, test_unseen=kept)
    return zero_shot_folds(records, unlabelled=True).final()


def estimated(strategy, fold, model=None):
    train = fold.train
    model = honest_generator(fold) if model is None else model
    vectors = train.class_vectors[train.unseen_classes]
    return estimate(strategy, model, train.unlabelled, vectors, CONF, Streams(0))


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_a_good_generator_gives_the_prior(fold, strategy):
    prior = estimated(strategy, fold)
    assert prior.dtype == torch.float32
    assert float(prior.sum()) == pytest.approx(1)
    # Probabilities of a short training are far from 0 and 1: the ridge then pulls soft counts towards uniform.
    assert prior_error(prior, TRUTH)["l1"] < (0.1 if strategy == "bbse_soft" else 0.02)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_equal_seeds_give_equal_bits_and_nothing_else_moves(fold, strategy):
    model = honest_generator(fold)
    model.train()
    weights = weights_of(model)
    state = torch.get_rng_state()
    first = estimated(strategy, fold, model)
    assert torch.equal(first, estimated(strategy, fold, model))
    assert torch.equal(torch.get_rng_state(), state)
    assert model.training
    assert model.modes == {False}
    assert same(weights, model.state_dict())


def test_shares_that_are_counted_are_parts_of_the_number_of_rows(fold):
    model = honest_generator(fold, spread=8.0)  # a classifier confuses rows that scatter so much
    model.means += 0.6 * (model.means[8] - model.means[6])
    percent = {strategy: 100 * estimated(strategy, fold, model) for strategy in STRATEGIES}
    counted = {strategy for strategy, prior in percent.items() if float((prior - prior.round()).abs().max()) < 1e-4}
    assert counted == {"cpe", "classifier"}  # of 100 rows


def test_clustering_corrects_a_generator_whose_means_are_off(fold):
    model = honest_generator(fold)
    # Now the rows of class 8 lie nearer to the generated ones of class 6 than to their own.
    model.means += 0.6 * (model.means[8] - model.means[6])
    assert prior_error(estimated("cpe", fold, model), TRUTH)["l1"] < 0.02
    assert prior_error(estimated("classifier", fold, model), TRUTH)["l1"] > 0.05


def test_a_class_that_is_never_predicted_starts_from_its_generated_rows(fold):
    records = make_records(rows=60)
    unseen = records.test_unseen[records.labels[records.test_unseen] != 7]
    absent = zero_shot_folds(dataclasses.replace(records, test_unseen=unseen), unlabelled=True).final()
    prior = estimated("cpe", absent, honest_generator(fold))
    torch.testing.assert_close(prior, torch.tensor([0.5, 0.0, 0.5]))


def test_a_diverged_generator_is_one_clear_error(fold):
    model = honest_generator(fold)
    model.means[7] = float("inf")
    with pytest.raises(NonFiniteError, match="60 of 180 generated"):
        estimated("cpe", fold, model)


def test_an_unknown_strategy_is_named(fold):
    with pytest.raises(ValueError, match="unknown strategy 'known'; expected one of cpe"):
        estimated("known", fold)


@pytest.mark.parametrize("shares", [[0.0, 0.0], [float("nan"), 1.0], [1.5, -0.5], [0.5, 0.4]])
def test_what_is_no_distribution_is_refused(shares):
    with pytest.raises(RunError, match=r"class prior \(bbse\): expected non-negative shares with sum 1, found"):
        checked_prior(torch.tensor(shares), "bbse")


def test_a_share_of_zero_is_allowed():
    prior = torch.tensor([0.0, 1.0])
    assert checked_prior(prior, "cpe") is prior
