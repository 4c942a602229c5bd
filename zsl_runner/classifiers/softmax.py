"""A softmax classifier trained with closed-form gradients: no graph, reused buffers, no waiting for the device."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from zsl_runner.classifiers.conf import Schedule
from zsl_runner.graphs.repeated import Repeated
from zsl_runner.graphs.uncompiled import Adam
from zsl_runner.models.networks import finite
from zsl_runner.objectives.softmax import softmax_residual

BLOCK = 128
"""Rows gathered before they are converted, so few that they stay in the cache."""
REMEDY = "its training has diverged: lower its learning rate, or scale the features"


@dataclass(frozen=True)
class SoftmaxClassifier:
    """Linear map and softmax.

    Attributes:
        weight: (C, D') float32.
        bias: (C,) float32.
    """

    weight: Tensor
    bias: Tensor

    def log_probabilities(self, inputs: Tensor) -> Tensor:
        """Return the (B, C) log-probabilities of inputs (B, D'), computed in float32."""
        return self._logits(inputs).log_softmax(1)

    def predict(self, inputs: Tensor) -> Tensor:
        """Return the (B,) most probable classes of inputs (B, D')."""
        return self._logits(inputs).argmax(1)

    def copy(self) -> SoftmaxClassifier:
        """Return the classifier with tensors of its own."""
        return SoftmaxClassifier(self.weight.clone(), self.bias.clone())

    def _logits(self, inputs: Tensor) -> Tensor:
        return finite("scores of a softmax classifier", torch.addmm(self.bias, inputs.float(), self.weight.t()), REMEDY)


@torch.no_grad()
def fit_softmax(
    inputs: Tensor,
    labels: Tensor,
    classes: int,
    schedule: Schedule,
    generator: torch.Generator,
    after_epoch: Callable[[SoftmaxClassifier], None] | None = None,
) -> SoftmaxClassifier:
    """Train a softmax classifier by Adam on the mean cross entropy of each batch.

    Every epoch goes once through the rows in a new random order; its last batch is smaller if the batch size does not
    divide their number. Weights, moments and the softmax are float32; products are too, unless the inputs are kept in
    bfloat16.

    Args:
        inputs: (N, D') in float32, float16 or bfloat16.
        labels: (N,) int64 in 0..classes-1.
        classes: number of classes C.
        schedule: epochs, learning rate, batch size, initial weights.
        generator: draws the initial weights and the orders, on the device of ``inputs``.
        after_epoch: called after each epoch with the classifier so far, whose tensors go on changing.

    Raises:
        NonFiniteError: the weights have become NaN or infinite.
    """
    shape, device = (classes, inputs.shape[1]), inputs.device
    weight = torch.randn(shape, generator=generator, device=device).mul_(schedule.init_std)
    bias = torch.zeros(classes, device=device)
    weight.grad, bias.grad = torch.empty_like(weight), torch.empty_like(bias)
    optimiser = Adam([weight, bias], lr=schedule.lr, betas=schedule.betas, fused=True, capturable=weight.is_cuda)
    size = min(schedule.batch_size, len(inputs))
    products = _Products(inputs, classes, size)
    classifier = SoftmaxClassifier(weight, bias)

    def step(rows: Tensor) -> None:
        assert weight.grad is not None
        products.take(rows)
        residual = softmax_residual(products.logits(weight).add_(bias), labels[rows])
        torch.sum(residual, 0, out=bias.grad)
        products.weight_gradient(residual, weight.grad)
        optimiser.step()

    batch = labels.new_empty(size)
    full_step = Repeated(partial(step, batch), device, schedule.epochs * (len(inputs) // size))
    for _ in range(schedule.epochs):
        order = torch.randperm(len(inputs), generator=generator, device=device)
        for rows in torch.split(order, size):
            if len(rows) == size:
                batch.copy_(rows)
                full_step()
            else:
                step(rows)
        if after_epoch is not None:
            after_epoch(classifier)
    finite(f"weights of a softmax classifier trained with lr={schedule.lr:g}", weight, REMEDY)
    finite(f"biases of a softmax classifier trained with lr={schedule.lr:g}", bias, REMEDY)
    return classifier


class _Products:
    """The two matrix products of a step, into buffers made once.

    Rows are gathered in the type they are kept in. Products are in float32, or in bfloat16 if that is the type.
    """

    def __init__(self, inputs: Tensor, classes: int, batch_size: int) -> None:
        width = inputs.shape[1]
        product = torch.bfloat16 if inputs.dtype == torch.bfloat16 else torch.float32
        self._inputs = inputs
        self._gathered = inputs.new_empty(min(batch_size, BLOCK), width) if inputs.dtype != product else None
        self._batch = inputs.new_empty(batch_size, width, dtype=product)
        self._weight = inputs.new_empty(classes, width) if product == torch.bfloat16 else None
        self._logits = inputs.new_empty(batch_size, classes, dtype=product)
        self._residual = inputs.new_empty(classes, batch_size, dtype=product)
        self._rows = batch_size

    def take(self, rows: Tensor) -> None:
        """Gather the rows of the next batch."""
        self._rows = len(rows)
        batch = self._batch[: self._rows]
        if self._gathered is None:
            torch.index_select(self._inputs, 0, rows, out=batch)
            return
        for part, positions in zip(torch.split(batch, BLOCK), torch.split(rows, BLOCK), strict=True):
            part.copy_(torch.index_select(self._inputs, 0, positions, out=self._gathered[: len(positions)]))

    def logits(self, weight: Tensor) -> Tensor:
        """Return X W^T in float32; the next call may overwrite it."""
        if self._weight is not None:
            weight = self._weight.copy_(weight)
        return torch.mm(self._batch[: self._rows], weight.t(), out=self._logits[: self._rows]).float()

    def weight_gradient(self, residual: Tensor, out: Tensor) -> None:
        """Write G^T X to ``out``."""
        # Half the time of a transposed view in bfloat16.
        transposed = self._residual[:, : self._rows].copy_(residual.t())
        if self._weight is None:
            torch.mm(transposed, self._batch[: self._rows], out=out)
        else:
            # The narrow weights are made anew before each product, so their buffer is free for the gradient.
            out.copy_(torch.mm(transposed, self._batch[: self._rows], out=self._weight))
