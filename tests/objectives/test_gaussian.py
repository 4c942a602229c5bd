import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.distributions import Independent, MultivariateNormal, Normal
from torch.distributions import kl_divergence as torch_kl

from zsl_runner.objectives.gaussian import (
    LEAST_LOG_VARIANCE,
    MOST_LOG_VARIANCE,
    bounded_log_variance,
    kl_divergence,
    kl_matrix,
    log_density_matrix,
    reparameterise,
    squared_distances,
    squared_error,
    weighted_mean,
)


def normals(seed, rows, width, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return (
        torch.randn(rows, width, generator=generator, dtype=dtype),
        torch.randn(rows, width, generator=generator, dtype=dtype),
    )


def as_torch(mean, log_var):
    return Independent(Normal(mean, (0.5 * log_var).exp()), 1)


def test_kl_agrees_with_torch_distributions():
    q, p = normals(0, 50, 64), normals(1, 50, 64)
    torch.testing.assert_close(kl_divergence(*q, *p), torch_kl(as_torch(*q), as_torch(*p)), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("seed", range(4))
def test_kl_agrees_with_monte_carlo(seed):
    """KL is the mean of log q - log p over q; 1e5 samples give it within 4 standard errors."""
    q, p = normals(10 + seed, 1, 64), normals(20 + seed, 1, 64)
    noise = torch.randn(100_000, 64, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    z = reparameterise(*q, noise)
    ratios = (log_density_matrix(z, *q) - log_density_matrix(z, *p)).squeeze(1)
    standard_error = ratios.std() / math.sqrt(len(ratios))
    assert abs(ratios.mean() - kl_divergence(*q, *p)).item() < 4 * standard_error.item()


def test_kl_of_equal_gaussians_is_zero():
    q = normals(2, 20, 64)
    assert torch.equal(kl_divergence(*q, *q), torch.zeros(20, dtype=torch.float64))


def test_kl_of_variance_four_against_one():
    """(log 1 - log 4 + 4 - 1) / 2 = 0.806853 for each dimension."""
    zero = torch.zeros(1, 3, dtype=torch.float64)
    value = kl_divergence(zero, torch.full_like(zero, math.log(4)), zero, zero)
    assert value.item() / 3 == pytest.approx(0.806853, abs=5e-7)


@pytest.mark.parametrize(
    ("q", "p", "expected"), [((1.0, 0.5), (0.0, 1.0), 0.818147), ((0.3, 0.7), (-0.2, 1.5), 0.426584)]
)
def test_kl_of_single_gaussians(q, p, expected):
    """By hand: log(s_p / s_q) + (s_q^2 + (m_q - m_p)^2) / (2 s_p^2) - 1/2 for means m and deviations s."""
    parameters = [torch.tensor([[value]], dtype=torch.float64) for m, s in (q, p) for value in (m, 2 * math.log(s))]
    assert kl_divergence(*parameters).item() == pytest.approx(expected, abs=1e-6)


def test_kl_is_never_negative():
    assert kl_divergence(*normals(3, 1000, 8), *normals(4, 1000, 8)).min() > 0


def test_kl_matrix_holds_every_pair():
    q, p = normals(5, 7, 16), normals(6, 4, 16)
    matrix = kl_matrix(*q, *p)
    for k in range(4):
        row = kl_divergence(*q, p[0][k : k + 1], p[1][k : k + 1])
        torch.testing.assert_close(matrix[:, k], row, rtol=1e-11, atol=1e-11)


def test_kl_matrix_with_a_shared_variance_equals_the_repeated_one():
    q, (mean, log_var) = normals(5, 7, 16), normals(6, 4, 16)
    shared = log_var[:1]
    torch.testing.assert_close(kl_matrix(*q, mean, shared), kl_matrix(*q, mean, shared.expand(4, 16)))


@pytest.mark.parametrize("narrow", [False, True], ids=["single", "bfloat16"])
def test_autocast_does_not_round_the_differences_of_products(narrow):
    """A class's own divergence is what remains of products a hundred times as large; eight bits leave nothing of it."""
    (mean, log_var), (centres, spread) = normals(5, 40, 64, torch.float32), normals(6, 40, 64, torch.float32)
    centres, log_var, spread = 3 * centres, 0.1 * log_var - 2, 0.1 * spread
    mean = centres + 0.3 * mean
    if narrow:
        mean, log_var, centres, spread = (x.bfloat16() for x in (mean, log_var, centres, spread))
    wide = [x.double() for x in (mean, log_var, centres, spread)]
    with torch.autocast("cpu", dtype=torch.bfloat16):
        matrix = kl_matrix(mean, log_var, centres, spread)
        distances = squared_distances(mean, centres, torch.exp(-spread))
        densities = log_density_matrix(mean, centres, spread)
    own = kl_divergence(*wide)
    torch.testing.assert_close(matrix.diag().double(), own, rtol=0, atol=1e-3)
    for found, expected in (
        (matrix, kl_matrix(*wide)),
        (densities, log_density_matrix(wide[0], *wide[2:])),
        (distances, squared_distances(wide[0], wide[2], torch.exp(-spread).double())),
    ):
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.double(), expected, rtol=1e-5, atol=1e-3)


def test_density_agrees_with_torch_distributions():
    x, (mean, log_var) = normals(7, 9, 16)[0], normals(8, 4, 16)
    expected = as_torch(mean, log_var).log_prob(x[:, None])
    torch.testing.assert_close(log_density_matrix(x, mean, log_var), expected, rtol=1e-11, atol=1e-11)


def test_squared_distances_far_from_the_origin_keep_their_precision():
    """Centres around 1000 and distances of order 1: without centring single precision would lose all digits."""
    x, centres = normals(9, 20, 8, torch.float32)
    x, centres = x + 1000, centres[:5] + 1000
    expected = (x[:, None] - centres[None]).double().square().sum(-1)
    torch.testing.assert_close(squared_distances(x, centres, torch.ones(1, 8)).double(), expected, rtol=1e-4, atol=1e-4)


def test_reparameterised_samples_have_the_given_moments():
    mean, log_var = torch.tensor([[1.0, -2.0]]), torch.tensor([[0.0, 2 * math.log(3)]])
    z = reparameterise(mean, log_var, torch.randn(100_000, 2, generator=torch.Generator().manual_seed(0)))
    torch.testing.assert_close(z.mean(0), mean[0], rtol=0, atol=4 * 3 / math.sqrt(100_000))
    torch.testing.assert_close(z.std(0), torch.tensor([1.0, 3.0]), rtol=0.01, atol=0)


def test_squared_error_of_ones_is_the_number_of_features():
    assert squared_error(torch.ones(3, 2048), torch.zeros(3, 2048)).item() == 2048


def test_squared_error_is_minus_twice_the_log_density_for_half_a_unit_of_variance():
    """log N(x; m, I/2) = -||x - m||^2 - (D/2) log(pi): factor 1 is s^2 = 1/2, factor 1/(2 s^2) in general."""
    x, reconstruction = normals(11, 1, 5)
    for variance in (0.5, 2.0):
        density = MultivariateNormal(reconstruction[0], variance * torch.eye(5, dtype=torch.float64)).log_prob(x[0])
        constant = -2.5 * math.log(2 * math.pi * variance)
        loss = squared_error(x, reconstruction) / (2 * variance)
        assert loss.item() == pytest.approx(constant - density.item(), abs=1e-12)


def test_row_weights_of_one_change_nothing_and_doubling_a_row_counts_it_twice():
    x, reconstruction = normals(12, 4, 6)
    plain = squared_error(x, reconstruction)
    torch.testing.assert_close(squared_error(x, reconstruction, torch.ones(4, dtype=torch.float64)), plain)
    doubled = squared_error(x[[0, 0, 1, 2, 3]], reconstruction[[0, 0, 1, 2, 3]])
    weights = torch.tensor([2.0, 1, 1, 1], dtype=torch.float64) * 4 / 5
    torch.testing.assert_close(squared_error(x, reconstruction, weights), doubled)


def test_weighted_mean_of_a_single_row():
    assert weighted_mean(torch.tensor([3.0])).item() == 3.0


@pytest.mark.parametrize(
    "function",
    [
        lambda a, b, c, d: kl_divergence(a, b, c, d),
        lambda a, b, c, d: kl_divergence(a, b, c, d[:1]),
        lambda a, b, c, d: kl_matrix(a, b, c[:2], d[:2]),
        lambda a, b, c, d: log_density_matrix(a, b, d),
        lambda a, b, c, d: squared_distances(a, b[:2], c[:2].exp()),
        lambda a, b, c, d: reparameterise(a, b, c),
        lambda a, b, c, d: squared_error(a, b),
    ],
)
def test_gradients(function):
    inputs = [part.requires_grad_() for seed in (13, 14) for part in normals(seed, 3, 4)]
    assert torch.autograd.gradcheck(function, inputs)


def test_extreme_log_variances_stay_finite():
    mean = torch.zeros(1, 4)
    for q in (-80.0, 80.0):
        for value in (kl_divergence, kl_matrix):
            assert value(mean, torch.full((1, 4), q), mean, torch.zeros(1, 4)).isfinite().all()
    assert kl_divergence(mean, mean, mean, torch.full((1, 4), -80.0)).isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_log_variance_in_the_ordinary_range_keeps_every_bit_and_its_gradient(dtype):
    output = torch.linspace(LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE, 100_001, dtype=dtype, requires_grad=True)
    bounded = bounded_log_variance(output)
    (gradient,) = torch.autograd.grad(bounded.sum(), output)
    assert torch.equal(bounded, output)
    assert torch.equal(gradient, torch.ones_like(output))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_no_output_makes_an_exponential_of_its_log_variance_infinite(values):
    output = torch.tensor(sorted(values), requires_grad=True)
    bounded = bounded_log_variance(output)
    assert bounded.min() >= LEAST_LOG_VARIANCE - 2
    assert bounded.max() <= MOST_LOG_VARIANCE + 2
    assert (bounded.diff() >= 0).all()
    zero = torch.zeros_like(output)[:, None]
    divergence = kl_divergence(zero, bounded[:, None], zero, -bounded_log_variance(-output)[:, None])
    (gradient,) = torch.autograd.grad(divergence.sum(), output)
    assert torch.isfinite(divergence).all()
    assert torch.isfinite(gradient).all()


@pytest.mark.parametrize("output", [-1e6, -30.0, -20.5, 10.5, 20.0, 1e6])
def test_beyond_the_range_the_gradient_is_alive_and_that_of_the_bound(output):
    point = torch.tensor([output], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(bounded_log_variance, (point,))
    (gradient,) = torch.autograd.grad(bounded_log_variance(point), point)
    assert 0 < gradient.item() < 1
    single = point.detach().float().requires_grad_()
    (in_single,) = torch.autograd.grad(bounded_log_variance(single), single)
    assert in_single.item() == pytest.approx(gradient.item(), rel=1e-5)


def test_the_bound_is_differentiated_once_and_no_more():
    point = torch.tensor([11.0], requires_grad=True)
    (gradient,) = torch.autograd.grad(bounded_log_variance(point).square(), point, create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        gradient.backward()


def test_the_bound_has_no_kink():
    for end in (LEAST_LOG_VARIANCE, MOST_LOG_VARIANCE):
        points = end + torch.tensor([-1e-6, 1e-6], dtype=torch.float64)
        slopes = torch.autograd.functional.jacobian(bounded_log_variance, points).diagonal()
        torch.testing.assert_close(slopes, torch.ones(2, dtype=torch.float64), rtol=0, atol=2e-6)


def test_a_log_variance_that_is_no_number_stays_none():
    assert bounded_log_variance(torch.tensor([math.nan])).isnan().all()
