"""Layers that stand still: the values of an ordinary one, and the gradient of its rows alone."""

import pytest
import torch
from torch.nn import functional as F

from zsl_runner.objectives.fixed_linear import BLOCK, fixed_linear, product_over_units


def drawn(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.mark.parametrize("units", [1, BLOCK, 2 * BLOCK + 3])
def test_equals_an_ordinary_layer_but_for_the_gradients_of_its_parameters(units):
    x, weight, bias = drawn(4, 7).requires_grad_(), drawn(units, 7).requires_grad_(), drawn(units).requires_grad_()
    pulled = drawn(4, units, seed=1)
    y, expected = fixed_linear(x, weight, bias), F.linear(x, weight, bias)
    torch.testing.assert_close(y, expected, rtol=0, atol=0)
    found = torch.autograd.grad(y, (x, weight, bias), pulled, allow_unused=True)
    (wanted,) = torch.autograd.grad(expected, x, pulled)
    torch.testing.assert_close(found[0], wanted, rtol=1e-12, atol=1e-12)
    assert found[1:] == (None, None)


def test_gradient_against_differences():
    x, weight, bias = drawn(3, 5).requires_grad_(), drawn(BLOCK + 2, 5), drawn(BLOCK + 2)
    assert torch.autograd.gradcheck(lambda rows: fixed_linear(rows, weight, bias), (x,))


def test_computes_in_the_type_of_autocast():
    x, weight, bias = (drawn(*shape).float().requires_grad_() for shape in ((3, 5), (6, 5), (6,)))
    with torch.autocast("cpu", dtype=torch.bfloat16):
        y = fixed_linear(x, weight, bias)
        expected = F.linear(x, weight, bias)
    assert y.dtype == torch.bfloat16
    assert torch.equal(y, expected)
    gradient, *others = torch.autograd.grad(y.float().sum(), (x, weight, bias), allow_unused=True)
    assert others == [None, None]
    torch.testing.assert_close(gradient, weight.detach().sum(0).expand(3, 5), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_blocks_leave_nothing_out(dtype):
    units = 2 * BLOCK + 1
    rows, weight = torch.ones(2, units, dtype=dtype), torch.ones(units, 3, dtype=dtype)
    assert torch.equal(product_over_units(rows, weight), rows @ weight)
