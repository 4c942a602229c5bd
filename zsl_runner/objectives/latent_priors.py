"""Shapes that latent codes are made to take: ten petals and a swiss roll, as maps of standard draws, with densities."""

from __future__ import annotations

import cmath
import math

import torch
from torch import Tensor

PETALS = 10
PETAL_SHIFT = 1.4
PETAL_LENGTH = 0.5
PETAL_WIDTH = 0.05
ROLL_RADIUS = 3.0
ROLL_ANGLE = 4 * math.pi

Moments = tuple[tuple[float, float], tuple[tuple[float, float], tuple[float, float]]]
"""Mean and covariance in the plane."""


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


def petal_moments(count: int) -> Moments:
    """Return mean and covariance of `petals` of the first ``count`` components, each as likely as the others.

    As complex numbers z: E[z], E[z^2] and E[|z|^2] are means of those of the components.
    """
    directions = [cmath.rect(1, 2 * math.pi * k / PETALS) for k in range(count)]
    along, across = PETAL_SHIFT**2 + PETAL_LENGTH**2, PETAL_WIDTH**2
    mean = PETAL_SHIFT * sum(directions) / count
    return _moments(mean, (along - across) * sum(d**2 for d in directions) / count, along + across)


def swiss_roll_moments(end: float) -> Moments:
    r"""Return mean and covariance of `swiss_roll` of a draw that is uniform in [0, end).

    With t = sqrt(u), of density 2t / end, and z = 3 t exp(i c t), c = 4 pi, a complex number:

    .. math:: E[z] = \frac{6}{end} \int t^2 e^{ict} dt, \qquad E[z^2] = \frac{18}{end} \int t^3 e^{2ict} dt
    """
    last, c = math.sqrt(end), ROLL_ANGLE
    radius = ROLL_RADIUS**2
    mean = 2 * ROLL_RADIUS / end * _integral(2, c, last)
    return _moments(mean, 2 * radius / end * _integral(3, 2 * c, last), radius * end / 2)


def _moments(mean: complex, square: complex, radius: float) -> Moments:
    """Return mean and covariance of points whose complex numbers z have E[z], E[z^2] and E[|z|^2]."""
    covariance = square.imag / 2 - mean.real * mean.imag
    variances = (radius + square.real) / 2 - mean.real**2, (radius - square.real) / 2 - mean.imag**2
    return (mean.real, mean.imag), ((variances[0], covariance), (covariance, variances[1]))


def _integral(power: int, frequency: float, last: float) -> complex:
    """Return the integral of t^power exp(i frequency t) from 0 to ``last``, by parts."""
    if power < 0:
        return 0
    at_the_ends = last**power * cmath.exp(1j * frequency * last) - (power == 0)
    return (at_the_ends - power * _integral(power - 1, frequency, last)) / (1j * frequency)


def _directions(angles: Tensor) -> tuple[Tensor, Tensor]:
    return angles.cos(), angles.sin()
