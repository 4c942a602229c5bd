"""Gradients of single rows with respect to the weights of a network: sums of their squares or absolute values."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from zsl_runner.models.task_model import TaskNetwork
from zsl_runner.objectives.importance import Magnitude, convolution_magnitudes, linear_magnitudes

Objective = Callable[[Tensor, Tensor], Tensor]
"""From (B, K) logits and (B,) int64 classes to (B,) values, each of its own row."""

CHUNK: Final = 16
"""Rows whose gradients are held at a time, where they must be."""


class RowGradients:
    """A network's outputs on some rows, and from there the gradients of each row.

    Layers that see each row on its own take two matrix products; what other weights a network has, the gradients of a
    few rows at a time.

    Args:
        network: the network; whether its parameters require gradients does not matter.
        x: (B, ...) rows.
        classes: those whose logits are taken.

    Attributes:
        logits: (B, len(classes)).
    """

    def __init__(self, network: TaskNetwork, x: Tensor, classes: range) -> None:
        self._network, self._x, self._classes = network, x, classes
        self._inputs: dict[nn.Module, Tensor] = {}
        self._outputs: dict[nn.Module, Tensor] = {}
        with ExitStack() as hooks, torch.enable_grad():
            for layer in network.row_layers():
                handle = layer.register_forward_hook(self._note)
                hooks.callback(handle.remove)
            self.logits: Tensor = network(x.detach().requires_grad_(), classes)

    def _note(self, layer: nn.Module, inputs: tuple[Any, ...], output: Tensor) -> None:
        self._inputs[layer] = inputs[0].detach()
        self._outputs[layer] = output

    def sums(
        self, objective: Objective, targets: Tensor, magnitude: Magnitude, weights: Tensor | None = None
    ) -> list[Tensor]:
        """Return sums over rows of the magnitudes of gradients, in the order of the network's parameters.

        Args:
            objective: what is differentiated.
            targets: (B,) int64, handed to it.
            magnitude: `torch.square` or `torch.abs`.
            weights: (B,) of rows; None for one.
        """
        with torch.enable_grad():
            values = objective(self.logits, targets).sum()
        layers = list(self._outputs)
        gradients = torch.autograd.grad(values, list(self._outputs.values()), retain_graph=True, allow_unused=True)
        found: dict[Tensor, Tensor] = {}
        for layer, gradient in zip(layers, gradients, strict=True):
            if gradient is not None:
                found |= self._of_layer(layer, gradient, magnitude, weights)
        seen = {parameter for layer in self._network.row_layers() for parameter in layer.parameters()}
        others = {name: p.detach() for name, p in self._network.named_parameters() if p not in seen}
        if others:
            by_name = self._of_rows(others, objective, targets, magnitude, weights)
            found.update({self._network.get_parameter(name): value for name, value in by_name.items()})
        return [found.get(p, torch.zeros_like(p)) for p in self._network.parameters()]

    def _of_layer(
        self, layer: nn.Module, gradient: Tensor, magnitude: Magnitude, weights: Tensor | None
    ) -> dict[Tensor, Tensor]:
        if isinstance(layer, nn.Conv2d):
            weight, offset = convolution_magnitudes(layer, self._inputs[layer], gradient, magnitude, weights)
        else:
            weight, offset = linear_magnitudes(self._inputs[layer], gradient, magnitude, weights)
        assert isinstance(layer, (nn.Conv2d, nn.Linear))
        found: dict[Tensor, Tensor] = {layer.weight: weight}
        if layer.bias is not None:
            found[layer.bias] = offset
        return found

    @torch.no_grad()
    def _of_rows(
        self,
        parameters: dict[str, Tensor],
        objective: Objective,
        targets: Tensor,
        magnitude: Magnitude,
        weights: Tensor | None,
    ) -> dict[str, Tensor]:
        def value(values: dict[str, Tensor], row: Tensor, target: Tensor) -> Tensor:
            logits = functional_call(self._network, values, (row[None], self._classes))
            return objective(logits, target[None])[0]

        of_each = vmap(grad(value), in_dims=(None, 0, 0))
        sums = {name: torch.zeros_like(parameter) for name, parameter in parameters.items()}
        for rows in torch.split(torch.arange(len(targets), device=targets.device), CHUNK):
            gradients = of_each(parameters, self._x[rows], targets[rows])
            for name, gradient in gradients.items():
                sizes = magnitude(gradient)
                if weights is not None:
                    sizes = weights[rows].view(-1, *[1] * (sizes.dim() - 1)) * sizes
                sums[name] += sizes.sum(0)
        return sums


def batch_gradient(
    network: TaskNetwork, x: Tensor, classes: range, objective: Objective, targets: Tensor
) -> list[Tensor]:
    """Return the gradient of the mean over rows, in the order of the network's parameters."""

    def value(values: dict[str, Tensor]) -> Tensor:
        return objective(functional_call(network, values, (x, classes)), targets).mean()

    gradients = grad(value)({name: parameter.detach() for name, parameter in network.named_parameters()})
    return [gradients[name] for name, _ in network.named_parameters()]
