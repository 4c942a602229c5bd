"""Steps of continual learning written as published code writes them: the reference for ours."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zsl_runner.models.task_heads.model import HeadsNetwork


class PlainTask:
    """A task with two classes in each head, torch's default Adam, penalties a loop over named parameters.

    Args:
        network: where the weights come from; they are copied.
        method: ``finetune``, ``ewc``, ``mas`` (which has the same step) or ``lwf``.
        weight: lambda.
        lr: learning rate.
    """

    def __init__(self, network: HeadsNetwork, method: str, weight: float, lr: float) -> None:
        self.network, self.method, self.weight = copy.deepcopy(network), method, weight
        self.old = copy.deepcopy(network)
        self.importance = {name: torch.zeros_like(p) for name, p in self.network.named_parameters()}
        self.optimiser = torch.optim.Adam(self.network.parameters(), lr=lr)

    def outputs(self, network: HeadsNetwork, x: Tensor) -> list[Tensor]:
        """Return the logits of every head."""
        features = network.body(x)
        return [head(features) for head in network.heads]

    def learn(self, x: Tensor, y: Tensor, task: int, rows: int) -> None:
        """Add the squared gradients of one row after the other to the importances, divided by ``rows``."""
        for row, label in zip(x, y, strict=True):
            self.network.zero_grad()
            loss = F.cross_entropy(self.outputs(self.network, row[None])[task], label[None])
            torch.autograd.backward(loss)
            for name, parameter in self.network.named_parameters():
                if parameter.grad is not None:
                    self.importance[name] += parameter.grad.pow(2) / rows

    def loss(self, x: Tensor, y: Tensor, task: int) -> Tensor:
        """Return the loss of a batch whose labels are places in the head of the task."""
        outputs = self.outputs(self.network, x)
        loss = F.cross_entropy(outputs[task], y)
        if self.method in ("ewc", "mas"):
            penalty = torch.zeros(())
            old = dict(self.old.named_parameters())
            for name, parameter in self.network.named_parameters():
                penalty = penalty + (self.importance[name] * (parameter - old[name]).pow(2)).sum() / 2
            loss = loss + self.weight * penalty
        if self.method == "lwf":
            with torch.no_grad():
                targets = torch.cat(self.outputs(self.old, x)[:task], 1)
            logits = torch.cat(outputs[:task], 1)
            softened = F.softmax(targets / 2, dim=1)
            loss = loss - self.weight * (softened * F.log_softmax(logits / 2, dim=1)).sum(1).mean()
        return loss

    def step(self, x: Tensor, y: Tensor, task: int) -> float:
        """Take a step and return the loss before it."""
        self.optimiser.zero_grad()
        loss = self.loss(x, y, task)
        torch.autograd.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), 10_000)
        self.optimiser.step()
        return float(loss.item())
