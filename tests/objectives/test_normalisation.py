"""Laws of the normalisations, on drawn tensors, on zeros and on constants."""

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zsl_runner.objectives.normalisation import (
    l2_normalised,
    max_normalised,
    min_max_normalised,
    softmax_normalised,
    sum_normalised,
)

ALL = (sum_normalised, l2_normalised, max_normalised, min_max_normalised, softmax_normalised)
EPS = 1e-5
AXES = st.sampled_from([0, 1, -1, (0, 1), (-2, -1), (0, 1, 2)])


@st.composite
def tensors(draw, low=-100.0):
    """Draw a (a, b, c) tensor in double precision, with zeros, ties and large ratios among its values."""
    shape = draw(st.tuples(*3 * [st.integers(1, 4)]))
    count = shape[0] * shape[1] * shape[2]
    number = st.one_of(st.just(0.0), st.floats(low, 100.0, width=32), st.sampled_from([1.0, 1e-6, 1e4]))
    values = draw(st.lists(number, min_size=count, max_size=count))
    return torch.tensor(values, dtype=torch.float64).reshape(shape)


def exact(actual, expected, atol=1e-9):
    torch.testing.assert_close(actual, expected.broadcast_to(actual.shape), rtol=0, atol=atol)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tensors(low=0.0), AXES)
def test_shares_of_a_sum_add_up_to_one(values, dim):
    total = values.sum(dim, keepdim=True)
    found = sum_normalised(values, dim, EPS)
    exact(found.sum(dim, keepdim=True), total / (total + EPS))
    assert (found >= 0).all()
    exact(found * (total + EPS), values)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tensors(), AXES, st.floats(1e-3, 1e3))
def test_euclidean_norm_is_one_and_scale_does_not_matter(values, dim, scale):
    norm = torch.linalg.vector_norm(values, dim=dim, keepdim=True)
    found = l2_normalised(values, dim)
    exact(torch.linalg.vector_norm(found, dim=dim, keepdim=True), norm / norm.clamp(min=1e-12))
    exact(l2_normalised(scale * values, dim, scale * 1e-12), found)
    exact(found * norm.clamp(min=1e-12), values)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tensors(), AXES)
def test_the_maximum_becomes_one_and_negative_values_zero(values, dim):
    top = values.amax(dim, keepdim=True).clamp(min=0)
    found = max_normalised(values, dim, EPS)
    exact(found.amax(dim, keepdim=True), top / (top + EPS))
    assert ((found > 0) == (values > 0)).all()
    exact(found * (top + EPS), values.clamp(min=0))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tensors(), AXES, st.floats(1e-2, 1e2), st.floats(-10, 10))
def test_the_range_becomes_zero_to_one_whatever_shift_and_scale(values, dim, scale, shift):
    spread = values.amax(dim, keepdim=True) - values.amin(dim, keepdim=True)
    found = min_max_normalised(values, dim, EPS)
    exact(found.amin(dim, keepdim=True), torch.zeros_like(spread))
    exact(found.amax(dim, keepdim=True), spread / (spread + EPS))
    # Shift and scale a act as if eps were eps / a.
    exact(min_max_normalised(scale * values + shift, dim, scale * EPS), found, atol=1e-6)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(tensors(), st.sampled_from([0, 1, -1]), st.floats(-10, 10), st.floats(0.5, 2.0))
def test_softmax_shares_add_up_to_one_and_a_shift_does_not_matter(values, dim, shift, temperature):
    found = softmax_normalised(values, dim, temperature)
    exact(found.sum(dim, keepdim=True), torch.ones(()).double())
    exact(softmax_normalised(values + shift, dim, temperature), found)
    exact(softmax_normalised(values / temperature, dim), found)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("dim", [-1, (-2, -1)])
def test_zeros_stay_zeros_and_constants_have_no_range(dtype, dim):
    zeros, sevens = torch.zeros(2, 3, 4, dtype=dtype), torch.full((2, 3, 4), 7.0, dtype=dtype)
    for found in (
        sum_normalised(zeros, dim, EPS),
        l2_normalised(zeros, dim),
        max_normalised(zeros, dim),
        max_normalised(-sevens, dim),
        min_max_normalised(zeros, dim),
        min_max_normalised(sevens, dim),
        min_max_normalised(-sevens, dim),
    ):
        assert torch.equal(found, zeros)
    assert torch.equal(softmax_normalised(sevens, -1), torch.full_like(sevens, 0.25))


@pytest.mark.parametrize("function", ALL)
def test_values_are_not_changed_and_gradients_are_those_of_differences(function):
    generator = torch.Generator().manual_seed(0)
    values = torch.rand(3, 5, generator=generator, dtype=torch.float64) + 0.1
    kept = values.clone()
    function(values, 1)
    assert torch.equal(values, kept)
    assert torch.autograd.gradcheck(lambda v: function(v, 1), values.requires_grad_())


@pytest.mark.parametrize("function", ALL)
def test_the_gradient_of_zeros_is_finite(function):
    zeros = torch.zeros(2, 3, dtype=torch.float64, requires_grad=True)
    arguments = (1, EPS) if function is sum_normalised else (1,)
    function(zeros, *arguments)[:, 0].sum().backward()
    assert zeros.grad.isfinite().all()


def test_a_cold_softmax_falls_to_the_largest_and_an_infinite_loss_has_no_share():
    values = torch.tensor([1.0, 2.0, -torch.inf])
    assert torch.equal(softmax_normalised(values, 0, 1e-3), torch.tensor([0.0, 1.0, 0.0]))
    torch.testing.assert_close(softmax_normalised(values, 0)[:2].sum(), torch.ones(()))
