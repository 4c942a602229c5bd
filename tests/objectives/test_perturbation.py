import pytest
import torch
from torch.nn import functional as F

from zsl_runner.objectives.perturbation import perturbed


def problem(seed=0, rows=200, width=85):
    g = torch.Generator().manual_seed(seed)
    vectors = F.normalize(torch.randn(rows, width, generator=g), dim=1)
    return vectors, torch.rand(rows, width, generator=g)


@pytest.mark.parametrize("strength", [0.0, 0.1, 1.0])
def test_rows_have_norm_1(strength):
    rows = perturbed(*problem(), strength)
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(200), rtol=0, atol=1e-6)


def test_entries_keep_their_signs_and_zeros():
    vectors, draws = problem()
    vectors[:, ::3] = 0
    assert torch.equal(perturbed(vectors, draws, 1.0).sign(), vectors.sign())


def test_ratios_to_the_vector_are_one_plus_the_draws_up_to_a_row_factor():
    vectors, draws = problem(1)
    ratio = perturbed(vectors, draws, 0.1) / vectors
    expected = 1 + 0.1 * draws
    torch.testing.assert_close(ratio / ratio[:, :1], expected / expected[:, :1], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(("strength", "draw"), [(0.0, 0.7), (1.0, 0.0), (0.1, 1.0)])
def test_no_strength_or_equal_draws_leave_the_vector(strength, draw):
    vectors, draws = problem(2)
    torch.testing.assert_close(perturbed(vectors, torch.full_like(draws, draw), strength), vectors)


def test_strength_orders_the_angles():
    vectors, draws = problem(3)
    angles = [F.cosine_similarity(perturbed(vectors, draws, c), vectors).acos().mean().item() for c in (0.1, 0.5, 1.0)]
    assert angles == sorted(angles)
    assert angles[0] > 0.01


def test_a_vector_of_zeros_stays_finite():
    assert torch.equal(perturbed(torch.zeros(1, 3), torch.ones(1, 3), 1.0), torch.zeros(1, 3))
