import math

import pytest
import torch
from torch.nn import functional as F

from tests.memory import largest_allocation
from zsl_runner.objectives import margin
from zsl_runner.objectives.gaussian import kl_divergence, kl_matrix
from zsl_runner.objectives.margin import posterior_margin, prior_separation, soft_minimum

SGAL = {"weight": 0.1, "per_dim": 2.0}


def random(seed, *shape):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def far_means(rows, width):
    """Means whose L1 distances are all at least 4 per dimension, above the margin of 2."""
    return 4.0 * torch.arange(rows, dtype=torch.float64)[:, None].expand(rows, width).clone()


def by_definition(mean, log_var, labels, weight, per_dim):
    """The double sum, written out."""
    rows, width = mean.shape
    log_var = log_var.expand(rows, width)
    total = 0.0
    for i in range(rows):
        for j in range(rows):
            if labels is not None and labels[i] == labels[j]:
                continue
            distance = sum(abs(mean[i, k] - mean[j, k]) / math.exp(log_var[i, k] / 2) for k in range(width))
            total += max(0.0, per_dim * width - distance) ** 2
    return weight * total / rows


@pytest.mark.parametrize("shared", [True, False])
@pytest.mark.parametrize("masked", [True, False])
def test_separation_is_the_double_sum(shared, masked):
    mean, log_var = random(0, 6, 3), random(1, 1 if shared else 6, 3)
    labels = torch.tensor([0, 1, 1, 2, 0, 3]) if masked else None
    expected = by_definition(mean, log_var, labels, 0.3, 1.5)
    assert prior_separation(mean, log_var, labels, weight=0.3, per_dim=1.5).item() == pytest.approx(
        float(expected), rel=1e-12
    )


@pytest.mark.parametrize("labels", [None, torch.tensor([0, 1, 1, 2])])
def test_one_variance_for_all_gives_the_same_whether_stored_once_or_for_each_row(labels):
    mean, log_var = random(2, 4, 5), random(3, 1, 5)
    once = prior_separation(mean, log_var, labels, **SGAL)
    torch.testing.assert_close(once, prior_separation(mean, log_var.repeat(4, 1), labels, **SGAL))


def test_separated_classes_cost_nothing_and_feel_no_force():
    mean = far_means(5, 64).requires_grad_()
    loss = prior_separation(mean, torch.zeros(1, 64), torch.arange(5), **SGAL)
    loss.backward()
    assert loss.item() == 0
    assert torch.equal(mean.grad, torch.zeros_like(mean))


def test_two_classes_closer_than_the_margin():
    """One row each at distance 5 of a margin 2 d = 8: w (8 - 5)^2, once for each row, divided by two rows."""
    mean = torch.tensor([[0.0, 0, 0, 0], [1, 2, 1, 1]])
    assert prior_separation(mean, torch.zeros(1, 4), torch.tensor([0, 1]), **SGAL).item() == pytest.approx(0.1 * 9)


def test_gradient_is_continuous_where_the_margin_is_met():
    def slope(distance):
        mean = torch.tensor([[0.0], [distance]], dtype=torch.float64, requires_grad=True)
        prior_separation(mean, torch.zeros(1, 1, dtype=torch.float64), torch.tensor([0, 1]), **SGAL).backward()
        return mean.grad[1].item()

    assert slope(2 - 1e-6) == pytest.approx(0, abs=1e-6)
    assert slope(2 - 1e-6) < 0
    assert slope(2.0) == 0
    assert slope(2 + 1e-6) == 0


@pytest.mark.parametrize("rows_of_log_var", [1, 6])
def test_autocast_does_not_round_distances(rows_of_log_var):
    mean, log_var = 3 * random(8, 6, 64), 0.1 * random(9, rows_of_log_var, 64)
    exact = prior_separation(mean.double(), log_var.double(), torch.arange(6), weight=0.1, per_dim=4.0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = prior_separation(mean.float(), log_var.float(), torch.arange(6), weight=0.1, per_dim=4.0)
    assert found.item() == pytest.approx(exact.item(), rel=1e-6)


def test_halving_the_deviation_doubles_the_distance():
    """Distances 3 and 6 in units of the row's deviation, margin 8."""
    mean, labels = torch.tensor([[0.0, 0, 0, 0], [3, 0, 0, 0]]), torch.tensor([0, 1])
    wide = prior_separation(mean, torch.zeros(1, 4), labels, **SGAL)
    narrow = prior_separation(mean, torch.full((1, 4), 2 * math.log(0.5)), labels, **SGAL)
    assert wide.item() == pytest.approx(0.1 * 5**2)
    assert narrow.item() == pytest.approx(0.1 * 2**2)


def test_distance_is_in_units_of_the_row_class():
    """Deviations 1 and 2: distances 4 and 2 of a margin 8, so (4^2 + 6^2) / 2."""
    mean, log_var = torch.tensor([[0.0, 0, 0, 0], [4, 0, 0, 0]]), torch.zeros(2, 4)
    log_var[1] = 2 * math.log(2)
    assert prior_separation(mean, log_var, torch.tensor([0, 1]), **SGAL).item() == pytest.approx(0.1 * 26)


def test_all_pairs_leave_a_floor():
    """Distant classes, all pairs: each row's pair with itself costs w m^2 = 0.1 (2 * 64)^2 = 1638.4."""
    assert prior_separation(far_means(8, 64), torch.zeros(1, 64), **SGAL).item() == pytest.approx(1638.4)


def test_relabelling_classes_changes_nothing():
    mean, log_var, labels = random(4, 6, 3), random(5, 6, 3), torch.tensor([0, 1, 1, 2, 0, 3])
    renamed = torch.tensor([7, 3, 0, 9])[labels]
    assert torch.equal(
        prior_separation(mean, log_var, labels, **SGAL), prior_separation(mean, log_var, renamed, **SGAL)
    )


@pytest.mark.parametrize("rows_of_log_var", [1, 6])
def test_a_batch_of_one_class_costs_nothing(rows_of_log_var):
    labels = torch.full((6,), 3)
    assert prior_separation(random(6, 6, 3), random(7, rows_of_log_var, 3), labels, **SGAL).item() == 0


@pytest.mark.parametrize("rows_of_log_var", [1, 4])
def test_rows_of_one_class_push_each_other_only_if_all_pairs_count(rows_of_log_var):
    """Under prior dropout two rows of one class have different means."""
    labels = torch.tensor([0, 0, 1, 1])
    mean = torch.stack([random(8, 3), random(9, 3), random(8, 3) + 50, random(9, 3) + 50]).requires_grad_()
    log_var = torch.zeros(rows_of_log_var, 3, dtype=torch.float64)
    (masked,) = torch.autograd.grad(prior_separation(mean, log_var, labels, **SGAL), mean)
    (unmasked,) = torch.autograd.grad(prior_separation(mean, log_var, **SGAL), mean)
    assert masked.abs().max() == 0
    assert unmasked.abs().min() > 0


def test_equal_means_of_one_class_feel_no_force_even_if_all_pairs_count():
    mean = torch.tensor([[1.0, 2.0], [1.0, 2.0]], requires_grad=True)
    prior_separation(mean, torch.zeros(1, 2), **SGAL).backward()
    assert torch.equal(mean.grad, torch.zeros(2, 2))


@pytest.mark.parametrize("rows_of_log_var", [1, 5])
@pytest.mark.parametrize("labels", [None, torch.tensor([0, 1, 1, 2, 3])])
def test_separation_gradients(rows_of_log_var, labels):
    inputs = (random(10, 5, 3).requires_grad_(), random(11, rows_of_log_var, 3).requires_grad_())
    assert torch.autograd.gradcheck(lambda m, v: prior_separation(m, v, labels, **SGAL), inputs)


@pytest.mark.parametrize("labels", [None, torch.arange(40) % 31])
def test_blocks_of_many_classes_give_what_all_pairs_at_once_give(labels, monkeypatch):
    mean, log_var = random(0, 40, 3), 0.5 * random(1, 40, 3)

    def found(at_once):
        monkeypatch.setattr(margin, "GAPS_AT_ONCE", at_once)
        leaves = mean.clone().requires_grad_(), log_var.clone().requires_grad_()
        value = prior_separation(*leaves, labels, **SGAL)
        return value.detach(), *torch.autograd.grad(value, leaves)

    for whole, in_blocks in zip(found(40 * 40 * 3), found(7 * 40 * 3), strict=True):
        torch.testing.assert_close(in_blocks, whole, rtol=1e-13, atol=1e-13)


def test_thousands_of_classes_take_no_memory_for_each_pair_and_dimension(monkeypatch):
    monkeypatch.setattr(margin, "GAPS_AT_ONCE", 2**14)
    mean, log_var = random(0, 256, 16).requires_grad_(), random(1, 256, 16)
    pairs = 256 * 256 * 8  # bytes
    assert largest_allocation(lambda: prior_separation(mean, log_var, torch.arange(256), **SGAL).backward()) <= pairs


def test_one_row_has_no_partner():
    for log_var in (torch.zeros(1, 4),):
        assert prior_separation(torch.randn(1, 4), log_var, torch.tensor([0]), **SGAL).item() == 0


def test_extreme_means_stay_finite():
    mean = torch.tensor([[1e6, -1e6], [-1e6, 1e6], [0.0, 0.0]])
    for log_var in (torch.zeros(1, 2), torch.zeros(3, 2)):
        assert prior_separation(mean, log_var, **SGAL).isfinite()


def test_soft_minimum_lies_between_its_bounds():
    divergences = random(12, 500, 7).exp() * 5
    least, soft = divergences.amin(1), soft_minimum(divergences)
    assert (soft <= least).all()
    assert (soft >= least - math.log(7)).all()


def test_divergence_plus_margin_is_a_cross_entropy():
    """With weight 1 and the true class in the sum: KL_y + logsumexp(-KL) = -log softmax(-KL)_y."""
    posterior, prior = (random(13, 30, 8), random(14, 30, 8)), (random(15, 5, 8), random(16, 5, 8))
    labels = torch.arange(30) % 5
    matrix = kl_matrix(*posterior, *prior)
    own = kl_divergence(*posterior, prior[0][labels], prior[1][labels]).mean()
    total = own + posterior_margin(matrix, weight=1.0)
    torch.testing.assert_close(total, F.cross_entropy(-matrix, labels), rtol=1e-6, atol=1e-6)


def test_posterior_margin_weighs_rows_and_has_gradients():
    divergences = random(17, 4, 3).exp().requires_grad_()
    weights = torch.tensor([0.0, 2.0, 1.0, 1.0], dtype=torch.float64)
    expected = -0.5 * (weights * soft_minimum(divergences)).mean()
    torch.testing.assert_close(posterior_margin(divergences, weights, weight=0.5), expected)
    assert torch.autograd.gradcheck(lambda d: posterior_margin(d, weights, weight=0.5), (divergences,))


def test_minimising_the_posterior_margin_moves_away_from_all_priors():
    divergences = torch.tensor([[1.0, 2.0]], requires_grad=True)
    posterior_margin(divergences, weight=1.0).backward()
    assert (divergences.grad < 0).all()


def test_huge_divergences_stay_finite():
    assert posterior_margin(torch.full((1, 3), 1e30), weight=1.0).isfinite()
