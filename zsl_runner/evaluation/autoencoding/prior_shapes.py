"""A prior in the plane for figures: lines that show where it lies, and codes in regular order through it."""

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


SIDE = 20
ALONG = 2.0


def walk(prior: LatentPrior) -> dict[str, Tensor]:
    """Return codes (lines, columns, 2) by the name of their figure; empty unless the prior lies in the plane.

    Of a normal or uniform prior a grid of equal probabilities (its inverse distribution function of a regular grid); of
    each petal one line along its length, from two deviations inside to two outside; of the swiss roll a walk along it.
    """
    if prior.width != 2:
        return {}
    if prior.name == "swiss_roll":
        return {"walk": swiss_roll(torch.linspace(0.01, 1, PARTS * SIDE)).reshape(PARTS, SIDE, 2)}
    if prior.name == "gmm10":
        steps = torch.linspace(-ALONG, ALONG, SIDE).repeat(PARTS)
        parts = torch.arange(PARTS).repeat_interleave(SIDE)
        codes = petals(parts, torch.stack([steps, torch.zeros_like(steps)], 1))
        return {"walk": codes.reshape(PARTS, SIDE, 2)}
    shares = (torch.arange(SIDE) + 0.5) / SIDE
    places = prior.scale * (torch.special.ndtri(shares) if prior.name == "normal" else 2 * shares - 1)
    lines, columns = torch.meshgrid(places.flip(0), places, indexing="ij")
    return {"manifold": torch.stack([columns, lines], 2)}
