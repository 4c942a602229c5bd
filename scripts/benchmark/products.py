"""The matrix products that a training step cannot do without, taken from the step itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn


@dataclass(frozen=True)
class Product:
    """One affine map applied to a batch, and the gradients that are taken through it.

    Attributes:
        rows: B.
        inputs: width of the input.
        outputs: width of the output.
        weight_gradient: whether the gradient of the weights is needed.
        input_gradient: whether the gradient of the input is needed; not in a network's first layer.
    """

    rows: int
    inputs: int
    outputs: int
    weight_gradient: bool
    input_gradient: bool

    @property
    def flops(self) -> int:
        """Floating-point operations, a multiplication and an addition counted as two.

        >>> Product(64, 2048, 512, weight_gradient=True, input_gradient=False).flops
        268435456
        """
        return 2 * self.rows * self.inputs * self.outputs * (1 + self.weight_gradient + self.input_gradient)


def products_of(model: nn.Module, step: Callable[[], object]) -> list[Product]:
    """Return the products of one ``step``, as the model's linear layers meet them."""
    met: list[Product] = []

    def note(layer: nn.Linear, inputs: tuple[Tensor, ...], output: Tensor) -> None:
        learns = output.requires_grad and layer.weight.requires_grad
        rows = inputs[0].numel() // layer.in_features
        met.append(Product(rows, layer.in_features, layer.out_features, learns, inputs[0].requires_grad))

    hooks: list[Any] = [layer.register_forward_hook(note) for layer in model.modules() if isinstance(layer, nn.Linear)]
    try:
        step()
    finally:
        for hook in hooks:
            hook.remove()
    return met


def bare(products: Sequence[Product]) -> Callable[[], None]:
    """Return a function that computes the products and nothing else, forward and then backward.

    Operands hold random numbers (products of zeros can be faster) in the layout of `torch.nn.Linear`; results are
    allocated as autograd would.
    """
    generator = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    operands = [
        (product, drawn(product.rows, product.inputs), drawn(product.outputs, product.inputs)) for product in products
    ]
    gradients = [drawn(product.rows, product.outputs) for product in products]

    def compute() -> None:
        for _, x, weight in operands:
            torch.mm(x, weight.T)
        for (product, x, weight), gradient in zip(reversed(operands), reversed(gradients), strict=True):
            if product.weight_gradient:
                torch.mm(gradient.T, x)
            if product.input_gradient:
                torch.mm(gradient, weight)

    return compute
