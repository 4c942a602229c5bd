"""Priors of latent codes that can be drawn from, in all or part by part."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.objectives.latent_priors import (
    PETALS,
    petal_log_densities,
    petal_moments,
    petals,
    swiss_roll,
    swiss_roll_moments,
)

PARTS = PETALS
"""Parts of the priors that have some: petals, or as many lengths of the swiss roll."""

ROLL_POINTS = 1000
"""Points of the swiss roll among which the nearest one is looked for."""


class LatentPrior:
    """p(z), which adversarial training need only draw from.

    Args:
        name: ``normal``, ``uniform``, ``gmm10`` or ``swiss_roll``.
        width: dimension d; 2 for the last two.
        scale: deviation of the normal prior, half edge of the uniform one's cube.
        parts: how many of the ten parts it has, the first ones.
    """

    def __init__(self, name: str, width: int, scale: float = 1.0, parts: int = PARTS) -> None:
        self.name = name
        self.width = width
        self.scale = scale
        self.parts = parts

    @property
    def has_parts(self) -> bool:
        """Whether it is made of parts, one for a class."""
        return self.name in ("gmm10", "swiss_roll")

    def sample(self, count: int, generator: torch.Generator) -> Tensor:
        """Return (count, d) draws."""
        device = generator.device
        if self.has_parts:
            parts = torch.randint(self.parts, (count,), generator=generator, device=device)
            return self.sample_parts(parts, generator)
        if self.name == "uniform":
            return (2 * torch.rand(count, self.width, generator=generator, device=device) - 1) * self.scale
        return torch.randn(count, self.width, generator=generator, device=device) * self.scale

    def sample_parts(self, parts: Tensor, generator: torch.Generator) -> Tensor:
        """Return (n, 2) draws, each from the part that ``parts`` (n,), int64 in 0..9, names.

        Part k of the swiss roll is u in [k/10, (k+1)/10).
        """
        if self.name == "gmm10":
            noise = torch.randn(len(parts), 2, generator=generator, device=generator.device)
            return petals(parts, noise)
        inside = torch.rand(len(parts), generator=generator, device=generator.device)
        return swiss_roll((parts + inside) / PARTS)

    def nearest_parts(self, z: Tensor) -> Tensor:
        """Return the (n,) part that points (n, 2) likely belong to; of the swiss roll that of its nearest point."""
        if self.name == "gmm10":
            return petal_log_densities(z)[:, : self.parts].argmax(1)
        along = (torch.arange(ROLL_POINTS * self.parts // PARTS, device=z.device) + 0.5) / ROLL_POINTS
        return torch.cdist(z, swiss_roll(along)).argmin(1) * PARTS // ROLL_POINTS

    def moments(self) -> tuple[Tensor, Tensor]:
        """Return the mean (d,) and the covariance (d, d)."""
        if self.has_parts:
            in_plane = petal_moments(self.parts) if self.name == "gmm10" else swiss_roll_moments(self.parts / PARTS)
            mean, covariance = in_plane
            return torch.tensor(mean), torch.tensor(covariance)
        variance = self.scale**2
        if self.name == "uniform":
            variance /= 3
        return torch.zeros(self.width), variance * torch.eye(self.width)


def sample_categories(count: int, categories: int, generator: torch.Generator) -> Tensor:
    """Return (count, categories) one-hot draws, every category as likely as the others."""
    drawn = torch.randint(categories, (count,), generator=generator, device=generator.device)
    # torch's one_hot would wait for the device, to see whether the numbers are in range.
    return (drawn[:, None] == torch.arange(categories, device=drawn.device)).float()
