"""Shapes that latent codes are made to take: ten petals and a swiss roll, as maps of standard draws, with densities."""

from __future__ import annotations

import math

import torch
from torch import Tensor

PETALS = 10
PETAL_SHIFT = 1.4
PETAL_LENGTH = 0.5
PETAL_WIDTH = 0.05
ROLL_RADIUS = 3.0
ROLL_ANGLE = 4 * math.pi


def petals(components: Tensor, noise: Tensor) -> Tensor:
    r"""Turn standard normal draws into draws of ten Gaussians that lie around the origin like petals.

    .. math:: z = R(2 \pi k / 10) \begin{pmatrix} 1.4 + 0.5\, a \\ 0.05\, b \end{pmatrix}

    with R the rotation by an angle. Component k has mean 1.4 (cos, sin)(2 pi k / 10) and, in its own frame, variances
    0.25 and 0.0025.

    Args:
        components: (n,) int64 k in 0..9.
        noise: (n, 2) standard normal a, b.

    Returns:
        (n, 2).

    Source: code that follows Makhzani et al. 2015; the paper draws the figure without its numbers.

    >>> petals(torch.tensor([0, 5]), torch.zeros(2, 2)).round(decimals=3) + 0.0
    tensor([[ 1.4000,  0.0000],
            [-1.4000,  0.0000]])
    """
    radial, tangential = PETAL_SHIFT + PETAL_LENGTH * noise[:, 0], PETAL_WIDTH * noise[:, 1]
    cosine, sine = _directions(components.to(noise.dtype) * (2 * math.pi / PETALS))
    return torch.stack([cosine * radial - sine * tangential, sine * radial + cosine * tangential], dim=1)


def petal_log_densities(z: Tensor) -> Tensor:
    """Return the (n, 10) log-densities of points (n, 2) under each of the components of `petals`.

    >>> petal_log_densities(torch.tensor([[1.4, 0.0]])).argmax(1)
    tensor([0])
    """
    angles = torch.arange(PETALS, dtype=z.dtype, device=z.device) * (2 * math.pi / PETALS)
    cosine, sine = _directions(angles)
    radial = z[:, :1] * cosine + z[:, 1:] * sine - PETAL_SHIFT
    tangential = z[:, 1:] * cosine - z[:, :1] * sine
    exponent = (radial / PETAL_LENGTH).square() + (tangential / PETAL_WIDTH).square()
    return -0.5 * exponent - math.log(2 * math.pi * PETAL_LENGTH * PETAL_WIDTH)


def swiss_roll(u: Tensor) -> Tensor:
    r"""Turn uniform draws into points of a spiral of two turns.

    .. math:: r = 3 \sqrt u, \qquad \theta = 4 \pi \sqrt u, \qquad z = (r \cos \theta, r \sin \theta)

    So E[r^2] = 4.5.

    Args:
        u: (n,) in [0, 1).

    Returns:
        (n, 2).

    Source: code that follows Makhzani et al. 2015.

    >>> swiss_roll(torch.tensor([0.25, 1.0])).round(decimals=3) + 0.0
    tensor([[1.5000, 0.0000],
            [3.0000, 0.0000]])
    """
    root = u.sqrt()
    cosine, sine = _directions(ROLL_ANGLE * root)
    return torch.stack([ROLL_RADIUS * root * cosine, ROLL_RADIUS * root * sine], dim=1)


def swiss_roll_moments() -> tuple[tuple[float, float], tuple[tuple[float, float], tuple[float, float]]]:
    """Return mean and covariance of `swiss_roll` of a uniform draw, in closed form.

    With t = sqrt(u), of density 2t, and c = 4 pi: E[x] = 6 int t^2 cos(ct) dt = 12/c^2, E[y] = 6 int t^2 sin(ct) dt =
    -6/c, E[x^2] = 9/4 + 27/(4 c^2), E[y^2] = 9/2 - E[x^2], E[xy] = -9 (1/(2c) - 3/(4 c^3)).
    """
    c = ROLL_ANGLE
    mean_x, mean_y = 12 / c**2, -6 / c
    second_x = 9 / 4 + 27 / (4 * c**2)
    second_y = 9 / 2 - second_x
    mixed = -9 * (1 / (2 * c) - 3 / (4 * c**3))
    covariance = mixed - mean_x * mean_y
    return (mean_x, mean_y), ((second_x - mean_x**2, covariance), (covariance, second_y - mean_y**2))


def _directions(angles: Tensor) -> tuple[Tensor, Tensor]:
    return angles.cos(), angles.sin()
