"""What trainers and evaluators may ask of a model that codes images by continuous and discrete variables."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.models.base import Model
from zsl_runner.models.latent_priors import sample_categories
from zsl_runner.objectives.gaussian import reparameterise
from zsl_runner.objectives.joint_code import (
    gumbel_noise,
    gumbel_softmax,
    kl_from_standard_normal,
    kl_from_uniform,
    straight_through,
)
from zsl_runner.streams import Streams


@dataclass(frozen=True)
class CodeNoise:
    """The random numbers of one draw of codes.

    Attributes:
        normal: (B, d) standard normal.
        gumbel: (B, n_k) standard Gumbel, one tensor for each discrete variable.
    """

    normal: Tensor
    gumbel: tuple[Tensor, ...]


@dataclass(frozen=True)
class JointPosterior:
    """q(z, c | x), whose variables are independent.

    Attributes:
        mean: (B, d) of the continuous variables.
        log_var: (B, d).
        logits: (B, n_k) of each discrete variable.
    """

    mean: Tensor
    log_var: Tensor
    logits: tuple[Tensor, ...]

    def continuous_kl(self) -> Tensor:
        """Return (B, d) divergences from N(0, 1) in nats."""
        return kl_from_standard_normal(self.mean, self.log_var)

    def discrete_kl(self) -> Tensor:
        """Return (B, K) divergences from the uniform distribution in nats."""
        if not self.logits:
            return self.mean.new_zeros(len(self.mean), 0)
        return torch.stack([kl_from_uniform(logits) for logits in self.logits], dim=1)

    def sample(self, noise: CodeNoise, temperature: Tensor | float, hard: bool) -> Tensor:
        """Return (B, d + sum of n_k) codes that are differentiable in the parameters.

        Args:
            noise: the random numbers.
            temperature: of the relaxed one-hot vectors, a number or a scalar.
            hard: whether these are made one-hot, with the gradient of the relaxed ones.
        """
        parts = [reparameterise(self.mean, self.log_var, noise.normal)]
        for logits, gumbel in zip(self.logits, noise.gumbel, strict=True):
            soft = gumbel_softmax(logits, gumbel, temperature)
            parts.append(straight_through(soft) if hard else soft)
        return torch.cat(parts, dim=1)

    def mode(self) -> Tensor:
        """Return the (B, d + sum of n_k) codes of the means and the likeliest categories, one-hot."""
        likeliest = [F.one_hot(logits.argmax(1), logits.shape[1]).to(self.mean.dtype) for logits in self.logits]
        return torch.cat([self.mean, *likeliest], dim=1)


class JointCodeModel(Model):
    """Capability ``joint_code``: an autoencoder of images with continuous and discrete variables.

    Attributes:
        continuous: number d of continuous variables.
        categories: numbers n_k of categories.
        image: (C, H, W).
        temperature: of the relaxed discrete variables, unless a trainer has a schedule for it.
        hard: whether samples of the discrete variables are one-hot in training.
    """

    continuous: int
    categories: tuple[int, ...]
    image: tuple[int, int, int]
    temperature: float
    hard: bool

    @abstractmethod
    def posterior(self, x: Tensor) -> JointPosterior:
        """Return q(z, c | x) of images (B, C, H, W) in 0..1, in single precision."""
        raise TypeError(f"{type(self).__name__} has no codes")

    @abstractmethod
    def decode(self, code: Tensor) -> Tensor:
        """Return (B, C, H, W) logits of the grey values for codes (B, d + sum of n_k), in single precision."""
        raise TypeError(f"{type(self).__name__} has no codes")

    @abstractmethod
    def reconstruction(self, x: Tensor, logits: Tensor) -> Tensor:
        """Return the (B,) cross-entropies of images (B, C, H, W) in nats."""
        raise TypeError(f"{type(self).__name__} has no codes")

    def draw_noise(self, rows: int, streams: Streams) -> CodeNoise:
        """Return random numbers for ``rows`` codes, from the streams ``noise`` and ``gumbel``."""
        normal, gumbel = streams["noise"], streams["gumbel"]
        return CodeNoise(
            torch.randn((rows, self.continuous), generator=normal, device=normal.device),
            tuple(gumbel_noise((rows, count), gumbel) for count in self.categories),
        )

    def prior_code(self, rows: int, generator: torch.Generator) -> Tensor:
        """Return (rows, d + sum of n_k) codes drawn from the prior: standard normal and uniform one-hot."""
        continuous = torch.randn((rows, self.continuous), generator=generator, device=generator.device)
        discrete = [sample_categories(rows, count, generator) for count in self.categories]
        return torch.cat([continuous, *discrete], dim=1)


def normal_quantiles(count: int, device: torch.device | str = "cpu") -> Tensor:
    """Return the standard normal quantiles of ``count`` levels evenly spread over 0.05..0.95, ascending.

    >>> normal_quantiles(3)
    tensor([-1.6449,  0.0000,  1.6449])
    """
    levels = torch.linspace(0.05, 0.95, count, device=device, dtype=torch.float64)
    quantiles: Tensor = torch.special.ndtri(levels)
    return quantiles.float()


def traversals(continuous: int, categories: Sequence[int], columns: int, device: torch.device | str = "cpu") -> Tensor:
    """Return codes that move one variable at a time.

    A continuous variable moves over `normal_quantiles`, a discrete one through its categories, again from the first
    after the last. The other continuous variables are 0, the other discrete ones in category 0.

    Args:
        continuous: number d of continuous variables.
        categories: numbers n_k of categories.
        columns: codes of each variable.
        device: of the codes.

    Returns:
        (d + K, columns, d + sum of n_k).
    """
    codes = torch.zeros(continuous + len(categories), columns, continuous + sum(categories), device=device)
    starts = [continuous + sum(categories[:place]) for place in range(len(categories))]
    for start in starts:
        codes[:, :, start] = 1.0
    for place in range(continuous):
        codes[place, :, place] = normal_quantiles(columns, device)
    for place, (start, count) in enumerate(zip(starts, categories, strict=True)):
        swept = torch.arange(columns, device=device) % count
        codes[continuous + place, :, start : start + count] = F.one_hot(swept, count).float()
    return codes


def categories_by_style(
    continuous: int, categories: Sequence[int], style: int, columns: int, device: torch.device | str = "cpu"
) -> Tensor:
    """Return codes of every category of the first discrete variable in lines, one continuous variable along them.

    Args:
        continuous: number d >= 1 of continuous variables.
        categories: numbers n_k of categories, at least one.
        style: the continuous variable that moves, 0..d-1.
        columns: codes of each category.
        device: of the codes.

    Returns:
        (n_1, columns, d + sum of n_k).
    """
    line = traversals(continuous, categories, columns, device)[style]
    codes = line.repeat(categories[0], 1, 1)
    codes[..., continuous : continuous + categories[0]] = torch.eye(categories[0], device=device)[:, None]
    return codes
