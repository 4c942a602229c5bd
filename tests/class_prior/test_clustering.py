"""Cluster sizes as a class prior."""

import numpy as np
import pytest
import torch

from tests.memory import largest_allocation
from zsl_runner.class_prior.clustering import class_means, cluster_prior
from zsl_runner.class_prior.predictions import prior_error


def clusters(sizes, spread=1.0, width=20):
    draws = torch.Generator().manual_seed(0)
    centres = 4 * torch.randn(len(sizes), width, generator=draws)
    labels = torch.repeat_interleave(torch.arange(len(sizes)), torch.tensor(sizes))
    x = centres[labels] + spread * torch.randn(len(labels), width, generator=draws)
    mixed = torch.randperm(len(x), generator=draws)
    return x[mixed], labels[mixed], centres


SIZES = [400, 300, 200, 100, 40]  # a tenfold imbalance


def shares(sizes):
    return torch.tensor(sizes) / sum(sizes)


def test_well_separated_clusters_give_the_prior_from_centres_that_are_off():
    x, _, centres = clusters(SIZES)
    start = centres + 2 * torch.randn(centres.shape, generator=torch.Generator().manual_seed(1))
    assert prior_error(cluster_prior(x, start), shares(SIZES))["l1"] < 0.02


def test_permuted_centres_give_the_permuted_prior():
    x, _, centres = clusters(SIZES)
    order = torch.tensor([3, 0, 4, 1, 2])
    assert torch.equal(cluster_prior(x, centres[order]), cluster_prior(x, centres)[order])


def test_the_prior_is_that_of_the_rows_in_any_order():
    x, _, centres = clusters(SIZES)
    assert torch.equal(cluster_prior(x.flip(0), centres), cluster_prior(x, centres))


def test_rows_may_be_kept_in_float16():
    x, _, centres = clusters(SIZES)
    assert torch.equal(cluster_prior(x.half(), centres), cluster_prior(x, centres))


def test_a_class_without_rows_gets_no_share_and_keeps_its_place():
    x, _, centres = clusters([50, 0, 30])
    prior = cluster_prior(x, centres)
    torch.testing.assert_close(prior, torch.tensor([5 / 8, 0.0, 3 / 8]))


def test_one_class_has_the_whole_share():
    x, _, centres = clusters([10])
    assert torch.equal(cluster_prior(x, centres), torch.ones(1))


def test_no_generator_moves():
    x, _, centres = clusters(SIZES)
    state, numpy_state = torch.get_rng_state(), np.random.get_state()[1].copy()
    cluster_prior(x, centres)
    assert torch.equal(torch.get_rng_state(), state)
    assert np.array_equal(np.random.get_state()[1], numpy_state)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_class_means_fall_back_where_no_row_is_predicted(dtype):
    x = torch.tensor([[1.0, 2.0], [3.0, 4.0], [10.0, 20.0]], dtype=dtype)
    fallback = torch.tensor([[7.0, 7.0], [8.0, 8.0], [9.0, 9.0]])
    means = class_means(x, torch.tensor([0, 0, 2]), fallback)
    assert torch.equal(means, torch.tensor([[2.0, 3.0], [8.0, 8.0], [10.0, 20.0]]))


def test_class_means_take_no_memory_for_each_row_and_class():
    rows, classes = 20_000, 500
    x, predictions = torch.randn(rows, 4), torch.arange(rows) % classes
    largest = largest_allocation(lambda: class_means(x, predictions, torch.zeros(classes, 4)))
    assert largest < rows * classes
