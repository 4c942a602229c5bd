"""Codes in regular order through a prior in the plane, to be decoded side by side."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.models.latent_priors import PARTS, LatentPrior
from zsl_runner.objectives.latent_priors import petals, swiss_roll

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
