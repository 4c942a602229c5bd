import math

import pytest
import torch

from zsl_runner.objectives.gaussian import kl_divergence, squared_error
from zsl_runner.objectives.reconstruction import cross_entropy_per_row, twice_averaged_squared_error


def pair(seed=0):
    g = torch.Generator().manual_seed(seed)
    return tuple(torch.rand(4, 6, generator=g, dtype=torch.float64) for _ in range(2))


def test_cross_entropy_is_the_sum_per_row():
    reconstruction, x = pair()
    total = sum(
        -(t * math.log(p) + (1 - t) * math.log(1 - p))
        for p, t in zip(reconstruction.flatten().tolist(), x.flatten().tolist(), strict=True)
    )
    assert cross_entropy_per_row(reconstruction, x).item() == pytest.approx(total / 4, rel=1e-12)


def test_cross_entropy_of_a_repeated_batch_and_of_repeated_features():
    reconstruction, x = pair(1)
    value = cross_entropy_per_row(reconstruction, x)
    torch.testing.assert_close(cross_entropy_per_row(reconstruction.repeat(3, 1), x.repeat(3, 1)), value)
    torch.testing.assert_close(cross_entropy_per_row(reconstruction.repeat(1, 3), x.repeat(1, 3)), 3 * value)


def test_cross_entropy_is_least_at_the_features_themselves():
    reconstruction, x = pair(2)
    entropy = -(x * x.log() + (1 - x) * (1 - x).log()).sum(1).mean()
    torch.testing.assert_close(cross_entropy_per_row(x, x), entropy)
    assert cross_entropy_per_row(reconstruction, x) > entropy


def test_cross_entropy_at_the_ends_of_the_interval():
    """A certain error costs 100, the bound on a logarithm; a certain hit costs nothing."""
    ends = torch.tensor([[0.0, 1.0]])
    assert cross_entropy_per_row(ends, ends).item() == 0
    assert cross_entropy_per_row(1 - ends, ends).item() == 200


def test_cross_entropy_gradients():
    reconstruction, x = pair(3)
    assert torch.autograd.gradcheck(lambda r: cross_entropy_per_row(r, x), (reconstruction.requires_grad_(),))


def test_published_squared_error_is_the_papers_divided_by_all_elements():
    reconstruction, x = pair(4)
    published = twice_averaged_squared_error(reconstruction, x)
    torch.testing.assert_close(published, squared_error(x, reconstruction) / (4 * 6))
    torch.testing.assert_close(published, (reconstruction - x).square().sum() / (4**2 * 6))


def test_published_squared_error_of_a_repeated_batch():
    reconstruction, x = pair(5)
    torch.testing.assert_close(
        twice_averaged_squared_error(reconstruction.repeat(2, 1), x.repeat(2, 1)),
        twice_averaged_squared_error(reconstruction, x) / 2,
    )


def test_published_squared_error_gradients():
    reconstruction, x = pair(6)
    assert torch.autograd.gradcheck(lambda r: twice_averaged_squared_error(r, x), (reconstruction.requires_grad_(),))


@pytest.mark.parametrize("shifted", [0, 1, 5])
def test_divergence_from_the_standard_normal_is_half_the_number_of_unit_means(shifted):
    mean, log_var = torch.zeros(3, 8), torch.zeros(3, 8)
    mean[:, :shifted] = 1
    standard = torch.zeros(1, 8)
    assert torch.equal(kl_divergence(mean, log_var, standard, standard), torch.full((3,), shifted / 2))
