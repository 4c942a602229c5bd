import pytest
import torch

from zsl_runner.objectives.alignment import absolute_error, risen, wasserstein_distance


def gaussians(rows=5, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [torch.randn(rows, 3, generator=generator, dtype=torch.float64) for _ in range(4)]


def test_the_distance_is_the_closed_form_of_diagonal_covariances():
    """Of matrices: |m - m'|^2 + tr(S + S' - 2 (S^1/2 S' S^1/2)^1/2), whose roots are those of the entries."""
    mean, log_var, other_mean, other_log_var = gaussians()
    for row, distance in enumerate(wasserstein_distance(mean, log_var, other_mean, other_log_var)):
        first, second = torch.diag(log_var[row].exp()), torch.diag(other_log_var[row].exp())
        root = (first.sqrt() @ second @ first.sqrt()).sqrt()
        squared = (mean[row] - other_mean[row]).square().sum() + torch.trace(first + second - 2 * root)
        assert distance.item() == pytest.approx(squared.sqrt().item(), rel=1e-9)


def test_the_distance_is_a_metric():
    one, two, three = (gaussians(seed=seed)[:2] for seed in range(3))
    torch.testing.assert_close(wasserstein_distance(*one, *two), wasserstein_distance(*two, *one))
    assert torch.equal(wasserstein_distance(*one, *one), torch.zeros(5, dtype=torch.float64))
    by_way = wasserstein_distance(*one, *two) + wasserstein_distance(*two, *three)
    assert (wasserstein_distance(*one, *three) <= by_way).all()


def test_gradients_of_the_distance_are_exact_and_zero_between_equal_codes():
    values = [value.requires_grad_() for value in gaussians()]
    assert torch.autograd.gradcheck(wasserstein_distance, values)
    mean, log_var = (torch.zeros(2, 3, requires_grad=True) for _ in range(2))
    wasserstein_distance(mean, log_var, torch.zeros(2, 3), torch.zeros(2, 3)).sum().backward()
    assert torch.equal(mean.grad, torch.zeros(2, 3))
    assert torch.equal(log_var.grad, torch.zeros(2, 3))


def test_absolute_errors_are_summed_over_entries_and_weighted_over_rows():
    x, reconstruction = torch.tensor([[1.0, -2.0], [0.0, 0.5]]), torch.tensor([[0.0, 1.0], [2.0, 0.5]])
    assert absolute_error(x, reconstruction).item() == 3.0
    assert absolute_error(x, reconstruction, torch.tensor([0.5, 1.5])).item() == 2.5


@pytest.mark.parametrize(
    ("start", "end", "factor"),
    [(0, 93, 0.25), (21, 75, 2.37), (6, 22, 8.13)],  # the released stretches and factors
)
def test_shares_of_a_hundred_epochs_are_the_released_epochs(start, end, factor):
    for epoch in range(101):
        published = min(max(factor * (epoch - start) / (end - start), 0), factor)
        assert factor * risen(epoch / 100, start / 100, end / 100) == pytest.approx(published, abs=1e-12)
