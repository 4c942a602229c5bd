"""Steps of the critics: closed-form gradients written into buffers that live as long as the trainer."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from zsl_runner.models.feature_gan.networks import Critic
from zsl_runner.objectives.critic import CriticParameters, CriticTerms, critic_step, product_buffer, row_signs
from zsl_runner.training.optimisers import Optimisers


def gradient_buffers(critics: Sequence[Critic]) -> list[CriticParameters]:
    """Return for each critic buffers for its gradients, in memory that all share: they never step at the same time."""
    groups = [_parameters(critic) for critic in critics]
    memory = groups[0].hidden_weight.new_empty(max(sum(p.numel() for p in group) for group in groups))
    buffers = []
    for group in groups:
        sizes = [p.numel() for p in group]
        parts = torch.split(memory[: sum(sizes)], sizes)
        buffers.append(CriticParameters(*(part.view_as(p) for part, p in zip(parts, group, strict=True))))
    return buffers


def means_of(name: str, steps: Sequence[CriticTerms]) -> dict[str, Tensor]:
    """Return the means over some steps: distance of real and generated scores, penalty and gradient norm.

    Args:
        name: of the critic; a key is ``distance/<name>`` and so on.
        steps: at least one.
    """
    terms = CriticTerms.of_steps(steps)
    return {
        f"distance/{name}": (terms.real - terms.fake).mean(),
        f"penalty/{name}": terms.penalty.mean(),
        f"gradient_norm/{name}": terms.gradient_norm.mean(),
    }


def _parameters(critic: Critic) -> CriticParameters:
    return CriticParameters(critic.hidden.weight, critic.hidden.bias, critic.output.weight, critic.output.bias)


class CriticTrainer:
    """Takes steps of one critic.

    Args:
        name: its parameter group.
        critic: the network.
        optimisers: of the run.
        weight: factor gamma of its loss.
        penalty_weight: factor lambda of the gradient penalty, at the start.
        radius: norm to which interpolates are projected; None for straight interpolates.
        dtype: type of the factors of matrix products.
        gradients: one of `gradient_buffers`.

    Attributes:
        penalty_weight: () tensor, the current factor lambda; changed in place.
    """

    def __init__(
        self,
        name: str,
        critic: Critic,
        optimisers: Optimisers,
        *,
        weight: float,
        penalty_weight: float,
        radius: float | None,
        dtype: torch.dtype,
        gradients: CriticParameters,
    ) -> None:
        self.name = name
        self.critic = critic
        self.weight = weight
        self.radius = radius
        self._optimisers = optimisers
        self._parameters = _parameters(critic)
        self._gradients = gradients
        self._products = None if dtype == torch.float32 else product_buffer(self._parameters, dtype)
        self._signs: dict[int, Tensor] = {}
        self.penalty_weight = torch.full((), penalty_weight, device=critic.hidden.weight.device)

    @torch.no_grad()
    def step(
        self,
        real: Tensor,
        fake: Tensor,
        mix: Tensor,
        real_condition: Tensor | None = None,
        fake_condition: Tensor | None = None,
    ) -> CriticTerms:
        """Take one step and return what it saw.

        Args:
            real: (B, d).
            fake: (B, d), a constant.
            mix: (B, 1) the real row's share of each interpolate.
            real_condition: (B, c) conditions of the real rows, if the critic has any.
            fake_condition: (B, c) conditions of the fake rows; None for those of the real ones.
        """
        rows = len(real)
        if rows not in self._signs:
            self._signs[rows] = row_signs(rows, self.weight, real)
        terms = critic_step(
            self._parameters,
            self._gradients,
            real,
            fake,
            mix,
            real_condition=real_condition,
            fake_condition=fake_condition,
            radius=self.radius,
            penalty_weight=self.penalty_weight,
            weight=self.weight,
            slope=self.critic.slope,
            products=self._products,
            signs=self._signs[rows],
        )
        self._optimisers.descend(self.name, self._gradients)
        return terms
