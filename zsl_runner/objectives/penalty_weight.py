"""The weight of a critic's gradient penalty, adapted to the penalty that is reached."""

from __future__ import annotations

import torch
from torch import Tensor


def adapted_penalty_weight(
    weight: Tensor, mean_penalty: Tensor, *, factor: float = 1.1, low: float = 1.001, high: float = 1.05
) -> Tensor:
    r"""Raise the weight of the gradient penalty while the penalty is large, lower it while it is small.

    .. math:: \lambda' = \begin{cases} f \lambda & P > high \\ \lambda / f & P < low \\ \lambda & else \end{cases}

    A critic that is near to 1-Lipschitz has P much below 1, so from its start value the weight decays geometrically
    until the penalty has grown to about 1. WGAN-GP keeps the weight instead.

    Args:
        weight: scalar lambda > 0.
        mean_penalty: scalar P, the mean over a block of critic steps of the penalty without weights.
        factor: f > 1.
        low: P below which the weight falls; not above ``high``.
        high: P above which the weight rises.

    Returns:
        A new scalar, without waiting for the device.

    Source: the code released with f-VAEGAN-D2's successors TF-VAEGAN (Narayan et al. 2020) and Bi-VAEGAN (Wang et al.
    2023), after each block of critic steps; not in the papers.

    >>> adapted_penalty_weight(torch.tensor(10.0), torch.tensor(2.0))
    tensor(11.)
    """
    lowered = torch.where(mean_penalty < low, weight / factor, weight)
    return torch.where(mean_penalty > high, weight * factor, lowered)
