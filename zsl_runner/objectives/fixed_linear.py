"""Linear layers that stand still while what passes through them learns."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

BLOCK = 128


def fixed_linear(x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    r"""Return the affine map of rows by constants.

    .. math:: y = x W^T + b, \qquad \frac{\partial L}{\partial x} = \frac{\partial L}{\partial y} W

    The same as `torch.nn.functional.linear` but for weight and bias, which receive no gradient, and the time that the
    gradient of x takes in float32 on a CPU; see `product_over_units`.

    Args:
        x: (B, d).
        weight: (H, d).
        bias: (H,).

    Returns:
        (B, H).
    """
    weight, bias = weight.detach(), bias.detach()
    if x.device.type != "cpu" or torch.is_autocast_enabled("cpu"):
        return F.linear(x, weight, bias)
    y: Tensor = _FixedLinear.apply(x, weight, bias)  # type: ignore[no-untyped-call]
    return y


class _FixedLinear(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        ctx.save_for_backward(weight)
        return F.linear(x, weight, bias)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, None, None]:
        return product_over_units(gradient, *ctx.saved_tensors), None, None


def product_over_units(rows: Tensor, weight: Tensor) -> Tensor:
    """Return rows @ weight, (B, d), of (B, H) and (H, d).

    On a CPU in float32 it is summed over blocks of units. Rows a power of two apart, as d = 2048 has them, compete for
    the same cache lines, and a product of many such rows takes more than twice as long. In bfloat16 they do no harm,
    and sums of rounded blocks would lose digits.
    """
    if weight.device.type != "cpu" or weight.dtype == torch.bfloat16:
        return rows @ weight
    total = weight.new_zeros(rows.shape[0], weight.shape[1])
    for units, weights in zip(torch.split(rows, BLOCK, 1), torch.split(weight, BLOCK), strict=True):
        total.addmm_(units, weights)
    return total
