import pytest
import torch

from zsl_runner.objectives.sharpening import self_sharpening, sharpened_targets


def divergences(seed=0, rows=6):
    return torch.rand(rows, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 5


def test_targets_are_the_formula():
    q = torch.softmax(-divergences(), dim=1)
    unnormalised = q**2 / q.sum(0)
    expected = unnormalised / unnormalised.sum(1, keepdim=True)
    torch.testing.assert_close(sharpened_targets(q.log()).exp(), expected)


def test_value_is_the_mean_divergence_of_assignments_from_targets():
    d = divergences(1)
    q = torch.softmax(-d, dim=1)
    p = sharpened_targets(q.log()).exp()
    expected = 0.7 * (p * (p / q).log()).sum(1).mean()
    torch.testing.assert_close(self_sharpening(d, weight=0.7), expected)


def test_assignments_that_are_their_own_target_cost_nothing():
    """One-hot rows stay one-hot, and rows that are all alike keep their proportions: q^2 / (B q) is q / B."""
    one_hot = 1000.0 * (1 - torch.eye(3, dtype=torch.float64))
    alike = divergences(2, rows=1).repeat(5, 1)
    assert self_sharpening(one_hot, weight=1.0).item() == pytest.approx(0, abs=1e-12)
    assert self_sharpening(alike, weight=1.0).item() == pytest.approx(0, abs=1e-12)


def test_minimising_sharpens():
    """Two rows that lean to different classes: descent raises each row's larger assignment."""
    d = torch.tensor([[0.0, 1.0], [1.0, 0.0]], dtype=torch.float64, requires_grad=True)
    self_sharpening(d, weight=1.0).backward()
    after = torch.softmax(-(d - 0.1 * d.grad), dim=1)
    before = torch.softmax(-d, dim=1)
    assert after[0, 0] > before[0, 0]
    assert after[1, 1] > before[1, 1]


def test_gradient_treats_the_target_as_constant():
    d = divergences(3).requires_grad_()
    self_sharpening(d, weight=1.0).backward()
    q = torch.softmax(-d.detach(), dim=1)
    p = sharpened_targets(q.log()).exp()
    torch.testing.assert_close(d.grad, -(q - p) / len(d))


def test_gradient_numerically_for_a_constant_target():
    fixed = sharpened_targets(torch.log_softmax(-divergences(4), dim=1))

    def against_fixed(d):
        return (fixed.exp() * (fixed - torch.log_softmax(-d, dim=1))).sum(-1).mean()

    d = divergences(4).requires_grad_()
    assert torch.autograd.gradcheck(against_fixed, (d,))
    (expected,) = torch.autograd.grad(against_fixed(d), d)
    (found,) = torch.autograd.grad(self_sharpening(d, weight=1.0), d)
    torch.testing.assert_close(found, expected)


def test_permuting_rows_or_classes_changes_nothing():
    d = divergences(5)
    value = self_sharpening(d, weight=1.0)
    torch.testing.assert_close(self_sharpening(d[[3, 1, 0, 5, 4, 2]], weight=1.0), value)
    torch.testing.assert_close(self_sharpening(d[:, [2, 0, 3, 1]], weight=1.0), value)


def test_one_row_and_huge_divergences():
    assert self_sharpening(divergences(6, rows=1), weight=1.0).item() == pytest.approx(0, abs=1e-12)
    assert self_sharpening(torch.tensor([[0.0, 1e30], [1e30, 0.0]]), weight=1.0).isfinite()
