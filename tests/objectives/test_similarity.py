"""Centred kernel alignment: what it must not depend on, and its values."""

import pytest
import torch

from zsl_runner.objectives.similarity import linear_cka

GENERATOR = torch.Generator().manual_seed(0)


def normal(*shape):
    return torch.randn(*shape, generator=GENERATOR, dtype=torch.float64)


def with_products_of_rows(x, y):
    """The definition by Hilbert-Schmidt independence, with (N, N) kernels and the centring matrix."""
    centring = torch.eye(len(x), dtype=x.dtype) - 1 / len(x)
    of_x, of_y = centring @ x @ x.T @ centring, centring @ y @ y.T @ centring
    return (of_x * of_y).sum() / (of_x.norm() * of_y.norm())


@pytest.mark.parametrize("widths", [(3, 5), (40, 3), (3, 40), (40, 60), (12, 12)])
def test_wide_and_tall_agree_with_the_definition(widths):
    x, y = normal(12, widths[0]), normal(12, widths[1])
    torch.testing.assert_close(linear_cka(x, y), with_products_of_rows(x, y))
    torch.testing.assert_close(linear_cka(x, y), linear_cka(y, x))
    assert 0 < linear_cka(x, y) < 1


@pytest.mark.parametrize("width", [1, 3, 30])
def test_it_never_lies_outside_of_0_and_1(width):
    for _ in range(50):
        x = normal(8, width).float()
        assert 0 <= linear_cka(x, normal(8, width).float()) <= 1
        assert 0.999 < linear_cka(x, 7 * x) <= 1


@pytest.mark.parametrize("width", [4, 30])
def test_equal_ones_rotated_scaled_and_shifted_are_alike(width):
    x = normal(10, width)
    rotation, _ = torch.linalg.qr(normal(width, width))
    for other in (x, x @ rotation, -3 * x, x + normal(width)):
        assert float(linear_cka(x, other)) == pytest.approx(1)
    assert linear_cka(x, x * torch.linspace(0.1, 3, width, dtype=x.dtype)) < 0.999


@pytest.mark.parametrize("width", [4, 30])
def test_the_order_of_rows_matters_only_if_it_differs(width):
    x, y, order = normal(10, width), normal(10, width), torch.randperm(10, generator=GENERATOR)
    torch.testing.assert_close(linear_cka(x[order], y[order]), linear_cka(x, y))
    assert linear_cka(x, x[order]) < 0.999


def test_uncorrelated_columns_have_nothing_in_common():
    x = torch.tensor([[1.0], [1.0], [-1.0], [-1.0]])
    y = torch.tensor([[1.0], [-1.0], [1.0], [-1.0]])
    assert linear_cka(x, y) == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("value", [0.0, 0.1, 1 / 3, 1e6])
@pytest.mark.parametrize("width", [2, 30])
def test_a_constant_has_nothing_in_common_with_anything(width, value, dtype):
    constant = torch.full((7, width), value, dtype=dtype)
    assert linear_cka(constant, normal(7, 4).to(dtype)) == 0
    assert linear_cka(constant, constant) == 0
