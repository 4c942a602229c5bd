"""The matrix products and the updates that a training step cannot do without, taken from the step itself."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.optimizer import register_optimizer_step_pre_hook
from torch.utils._python_dispatch import TorchDispatchMode

from scripts.benchmark.timing import Cost, Effort, Quantity, cost_of, interleaved

FIRST_FACTOR: Final = {torch.ops.aten.mm: 0, torch.ops.aten.addmm: 1, torch.ops.aten.addmm_: 1}
"""Operations that are matrix products, and the place of the first factor among their arguments; the second follows."""


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


def own_products(step: Callable[[], object]) -> Callable[[], None]:
    """Return a function that computes the matrix products of one ``step``, in its order, and nothing else.

    Operands hold random numbers in the layout of the step's; results are allocated.
    """
    generator = torch.Generator().manual_seed(0)

    def alike(factor: Tensor) -> Tensor:
        entries = 1 + sum((size - 1) * stride for size, stride in zip(factor.shape, factor.stride(), strict=True))
        drawn = torch.randn(entries, generator=generator, dtype=torch.float32).to(factor.dtype)
        return drawn.as_strided(factor.shape, factor.stride())

    class Noting(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            place = FIRST_FACTOR.get(func.overloadpacket)
            if place is not None:
                met.append((args[place], args[place + 1]))
            return func(*args, **(kwargs or {}))

    met: list[tuple[Tensor, Tensor]] = []
    with Noting():  # type: ignore[no-untyped-call]
        step()
    factors = [(alike(one), alike(other)) for one, other in met]
    met.clear()

    def compute() -> None:
        for one, other in factors:
            torch.mm(one, other)

    return compute


def own_updates(step: Callable[[], object]) -> Callable[[], None]:
    """Return a function that takes the optimisers' own steps of one ``step``, in its order, and nothing else.

    Copies of the optimisers, at the state they are in, move copies of the parameters by gradients that stay the same.
    """
    alike: dict[int, Optimizer] = {}
    order: list[Optimizer] = []

    def note(optimiser: Optimizer, args: Any, kwargs: Any) -> None:
        if id(optimiser) not in alike:
            own = copy.deepcopy(optimiser)
            for group, theirs in zip(own.param_groups, optimiser.param_groups, strict=True):
                for parameter, met in zip(group["params"], theirs["params"], strict=True):
                    parameter.grad = None if met.grad is None else met.grad.clone()
            alike[id(optimiser)] = own
        order.append(alike[id(optimiser)])

    hook = register_optimizer_step_pre_hook(note)
    try:
        step()
    finally:
        hook.remove()

    def compute() -> None:
        for optimiser in order:
            optimiser.step()

    return compute


def against_the_unavoidable(
    step: Callable[[], object], products: Callable[[], object], effort: Effort
) -> list[dict[str, Quantity]]:
    """Compare a step with its matrix products, and with these and its optimisers' updates.

    Args:
        step: takes one.
        products: computes the step's products and nothing else, see `bare` and `own_products`.
        effort: how long to measure.

    Returns:
        Costs of one step beside those of the products, and beside those of products and updates.
    """
    count, updates = effort.steps(step), own_updates(step)

    def repeated(*tasks: Callable[[], object]) -> Cost:
        return cost_of(lambda: [task() for _ in range(count) for task in tasks])

    return interleaved(
        effort.repeats,
        lambda: repeated(step),
        lambda: repeated(products),
        lambda: repeated(products, updates),
        divide_by=count,
    )
