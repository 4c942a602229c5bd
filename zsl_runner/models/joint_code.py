"""What trainers and evaluators may ask of a model that codes images by continuous and discrete variables."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.models.base import Model
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
        device = generator.device
        parts = [torch.randn((rows, self.continuous), generator=generator, device=device)]
        for count in self.categories:
            drawn = torch.randint(count, (rows,), generator=generator, device=device)
            parts.append(F.one_hot(drawn, count).float())
        return torch.cat(parts, dim=1)
