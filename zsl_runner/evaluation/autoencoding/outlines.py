"""Lines that show where a prior in the plane lies."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from zsl_runner.models.latent_priors import PARTS, LatentPrior
from zsl_runner.objectives.latent_priors import petals, swiss_roll

POINTS = 200


def outlines(prior: LatentPrior) -> list[Tensor]:
    """Return lines (k, 2): two deviations of each Gaussian, the edge of a square, the spiral itself."""
    if prior.name == "swiss_roll":
        return [swiss_roll(torch.linspace(0, 1, 4 * POINTS) ** 2)]
    if prior.name == "uniform":
        corners = torch.tensor([[-1.0, -1], [1, -1], [1, 1], [-1, 1], [-1, -1]])
        return [prior.scale * corners]
    angles = torch.linspace(0, 2 * math.pi, POINTS)
    circle = torch.stack([angles.cos(), angles.sin()], 1)
    if prior.name == "gmm10":
        return [petals(torch.full((POINTS,), part), 2 * circle) for part in range(PARTS)]
    return [prior.scale * radius * circle for radius in (1, 2)]
