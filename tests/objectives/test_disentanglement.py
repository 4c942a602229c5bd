import itertools

import pytest
import torch

from zsl_runner.objectives.disentanglement import factor_vae_score, gini_variance, least_varying


def test_gini_variance_counts_pairs_that_differ():
    drawn = torch.randint(5, (3, 12), generator=torch.Generator().manual_seed(0))
    for line, value in zip(drawn.tolist(), gini_variance(drawn, 5).tolist(), strict=True):
        different = sum(a != b for a, b in itertools.product(line, line))
        assert value == pytest.approx(different / (2 * 12 * 11))


def test_gini_variance_of_one_category_and_of_all_different_ones():
    assert gini_variance(torch.zeros(9, dtype=torch.int64), 3).item() == 0
    assert gini_variance(torch.arange(9), 9).item() == pytest.approx(0.5)


def test_units_of_a_variable_do_not_matter_and_dead_ones_have_no_vote():
    variances = torch.rand(40, 4, generator=torch.Generator().manual_seed(0)).double()
    whole, alive = torch.tensor([1.0, 2.0, 0.5, 0.0]).double(), torch.tensor([True, True, True, False])
    units = torch.tensor([1e-6, 3.0, 1e5, 1.0]).double()
    first = least_varying(variances, whole, alive)
    assert torch.equal(least_varying(variances * units, whole * units, alive), first)
    assert 3 not in first.tolist()


def test_votes_score_as_counted_by_hand():
    votes, fixed = torch.tensor([0, 0, 0, 1, 2]), torch.tensor([1, 1, 2, 0, 2])
    on, truth = torch.tensor([0, 0, 1, 2, 3]), torch.tensor([1, 2, 0, 2, 0])
    # variable 0 -> factor 1, 1 -> 0, 2 -> 2; variable 3 was never seen and is taken for factor 0
    assert factor_vae_score(votes, fixed, on, truth, (4, 3)) == pytest.approx(4 / 5)
