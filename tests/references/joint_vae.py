"""A training step of JointVAE written as published code writes it: the reference for ours."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from zsl_runner.models.joint_code import CodeNoise
from zsl_runner.models.joint_vae.model import JointVAE

EPS = 1e-12


class PlainJointVAE:
    """Networks with the weights of a `JointVAE` for grey images of 32 pixels, and torch's default Adam.

    Layers keep torch's usual memory format, each latent variable has a head of its own, the grey values leave a sigmoid
    before the cross-entropy, categories are probabilities, and gradients are fresh in every step.

    Args:
        model: where the weights come from; they are copied.
        lr: learning rate.
        gamma: weight of both capacities.
    """

    def __init__(self, model: JointVAE, lr: float, gamma: float) -> None:
        self.model, self.gamma = model, gamma
        self.encoder = _fresh(model.encoder.convolutions)
        self.hidden = _fresh(model.encoder.hidden)
        sizes = [model.continuous, model.continuous, *model.categories]
        self.heads = nn.ModuleList(nn.Linear(model.encoder.heads.in_features, size) for size in sizes)
        weights, biases = (
            torch.split(value, sizes) for value in (model.encoder.heads.weight, model.encoder.heads.bias)
        )
        with torch.no_grad():
            for head, weight, bias in zip(self.heads, weights, biases, strict=True):
                head.weight.copy_(weight)  # type: ignore[operator]
                head.bias.copy_(bias)  # type: ignore[operator]
        self.code = _fresh(model.decoder.hidden)
        self.decoder = _fresh(model.decoder.convolutions)
        networks = nn.ModuleList([self.encoder, self.hidden, *self.heads, self.code, self.decoder])
        networks.to(weights[0].device)
        self.parameters = list(networks.parameters())
        self.optimiser = torch.optim.Adam(self.parameters, lr=lr)

    def loss(self, x: Tensor, noise: CodeNoise, capacities: tuple[float, float], temperature: float) -> Tensor:
        """Return the loss in nats an image; the noise is turned back into the uniform numbers it would come from."""
        features = self.hidden(self.encoder(x).view(len(x), -1))
        parameters = [head(features) for head in self.heads]
        mean, log_var = parameters[:2]
        parts = [mean + torch.exp(0.5 * log_var) * noise.normal]
        kl_c = torch.zeros(())
        for logits, gumbel in zip(parameters[2:], noise.gumbel, strict=True):
            alpha = F.softmax(logits, dim=1)
            uniform = torch.exp(-torch.exp(-gumbel))
            drawn = -torch.log(-torch.log(uniform + EPS) + EPS)
            parts.append(F.softmax((torch.log(alpha + EPS) + drawn) / temperature, dim=1))
            negative_entropy = (alpha * torch.log(alpha + EPS)).sum(1).mean(0)
            kl_c = kl_c + math.log(alpha.shape[1]) + negative_entropy
        maps = self.code(torch.cat(parts, dim=1)).view(len(x), -1, 4, 4)
        out = torch.sigmoid(self.decoder(maps))
        pixels = x.shape[-1] * x.shape[-2]
        reconstruction = F.binary_cross_entropy(out.view(len(x), -1), x.view(len(x), -1)) * pixels
        kl_z = (0.5 * (mean.pow(2) + log_var.exp() - log_var - 1)).mean(0).sum()
        return (
            reconstruction + self.gamma * torch.abs(capacities[0] - kl_z) + self.gamma * torch.abs(capacities[1] - kl_c)
        )

    def step(self, x: Tensor, noise: CodeNoise, capacities: tuple[float, float], temperature: float) -> Tensor:
        """Take a step and return the loss before it."""
        loss = self.loss(x, noise, capacities, temperature)
        self.optimiser.zero_grad()
        torch.autograd.backward(loss / (x.shape[-1] * x.shape[-2]))
        self.optimiser.step()
        return loss.detach()


def _fresh(part: nn.Sequential) -> nn.Sequential:
    """Return layers of the same sizes and weights, activations not in place."""
    layers: list[nn.Module] = []
    for layer in part:
        if isinstance(layer, nn.ReLU):
            layers.append(nn.ReLU())
            continue
        if isinstance(layer, nn.Linear):
            copy: nn.Module = nn.Linear(layer.in_features, layer.out_features)
        else:
            assert isinstance(layer, (nn.Conv2d, nn.ConvTranspose2d))
            copy = type(layer)(layer.in_channels, layer.out_channels, 4, 2, 1)
        copy.load_state_dict(layer.state_dict())
        layers.append(copy)
    return nn.Sequential(*layers)
