"""A training step of an adversarial autoencoder as published code takes it: one pass for all losses."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.models.adversarial_autoencoder.model import AdversarialAutoencoder


class PlainAdversarialAutoencoder:
    """The networks of an `AdversarialAutoencoder` with a Gaussian posterior, and an optimiser for each side.

    Codes of one forward pass serve reconstruction, discriminator and encoder, so the encoder answers to the
    discriminator from before its update: less work than the sub-steps of the paper. Probabilities leave a sigmoid
    before the cross-entropy, draws of the prior and codes are judged one after the other, gradients are fresh.

    Args:
        model: where the weights come from; they are copied.
        lr: learning rate of both sides.
        scale: weight of the encoder's side of the game.
        optimiser: kind of both optimisers; torch's default Adam.
    """

    def __init__(
        self,
        model: AdversarialAutoencoder,
        lr: float,
        scale: float,
        optimiser: Callable[..., torch.optim.Optimizer] = torch.optim.Adam,
    ) -> None:
        self.model, self.scale = copy.deepcopy(model), scale
        own = self.model
        self.autoencoder = optimiser([*own.encoder.parameters(), *own.decoder.parameters()], lr=lr)
        self.discriminator = optimiser(own.discriminator.parameters(), lr=lr)

    def step(self, x: Tensor, noise: Tensor, prior: Tensor) -> tuple[Tensor, Tensor]:
        """Update both sides and return the losses of autoencoder and discriminator."""
        codes = self.model.encode(x, noise)
        decoded = self.model.decode(codes.z, None)
        ones, zeros = x.new_ones(len(x), 1), x.new_zeros(len(x), 1)
        reconstruction = 0.5 * F.mse_loss(decoded, x, reduction="none").sum(dim=-1).mean()
        fooled = F.binary_cross_entropy(self._judged(codes.z), ones)
        loss = reconstruction + self.scale * fooled
        told = F.binary_cross_entropy(self._judged(prior), ones)
        told = told + F.binary_cross_entropy(self._judged(codes.z.detach()), zeros)
        self.autoencoder.zero_grad()
        torch.autograd.backward(loss)
        self.discriminator.zero_grad()
        torch.autograd.backward(told)
        self.autoencoder.step()
        self.discriminator.step()
        return loss.detach(), told.detach()

    def _judged(self, z: Tensor) -> Tensor:
        return self.model.judge(z, None).sigmoid()
