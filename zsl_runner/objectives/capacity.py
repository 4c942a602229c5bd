"""Capacities that divergences are held at, and the collapse they can hide."""

from __future__ import annotations

import math

from torch import Tensor

COLLAPSE_ENTROPY = 0.5
COLLAPSE_CAPACITY = 0.8


def capacity(step: int, low: float, high: float, steps: int, most: float = math.inf) -> float:
    r"""Return the capacity at an optimiser step, in nats.

    .. math:: C(t) = \min\big(C_{max},\; C_{min} + (C_{max} - C_{min})\, t / T,\; C_{most}\big)

    Args:
        step: t; the first step is 1.
        low: C_min.
        high: C_max.
        steps: T >= 1, steps until C_max is reached.
        most: what the divergence can be at most, e.g. ln n of a categorical variable.

    Source: Dupont 2018; the start at step 1 and the cap as in the official code.

    >>> capacity(1, 0.0, 5.0, 25_000), capacity(30_000, 0.0, 5.0, 25_000), capacity(30_000, 0.0, 5.0, 25_000, 2.0)
    (0.0002, 5.0, 2.0)
    """
    return min(low + (high - low) * min(1.0, step / steps), most)


def capacity_penalty(kl: Tensor, target: Tensor | float, weight: float, per_example: bool = False) -> Tensor:
    r"""Penalty that holds a divergence at a capacity, in nats.

    .. math:: \gamma \,\Big| \tfrac1B \sum_i KL_i - C \Big|
        \qquad\text{or, per example,}\qquad \gamma \,\tfrac1B \sum_i | KL_i - C |

    With C = 0 both are gamma times the mean divergence. Of the mean, examples may differ: some may take more nats if
    others take less. Held per example, each gets the same.

    Args:
        kl: (B,) divergences of examples.
        target: C, a number or a scalar.
        weight: gamma.
        per_example: the second form.

    Returns:
        A scalar.

    Source: Dupont 2018; the official code takes the mean first.

    >>> import torch
    >>> kl = torch.tensor([0.0, 2.0])
    >>> capacity_penalty(kl, 1.0, 30.0), capacity_penalty(kl, 1.0, 30.0, per_example=True)
    (tensor(0.), tensor(30.))
    """
    if per_example:
        return weight * (kl - target).abs().mean()
    return weight * (kl.mean() - target).abs()


def collapsed(aggregate_entropy: float, categories: int, kl: float, target: float) -> bool:
    r"""Tell whether a discrete capacity is met although the code is hardly used.

    .. math:: H\big(\tfrac1N \sum_x q(c|x)\big) < 0.5 \ln n \quad\text{while}\quad KL_c > 0.8\, C_c

    The divergence is a mean over inputs: if all of them have one category, each surely, it is ln n and yet the code
    tells nothing.

    Args:
        aggregate_entropy: entropy in nats of the mean of q(c|x) over inputs.
        categories: n.
        kl: KL_c in nats, of all discrete variables together if they share the capacity.
        target: C_c in nats.

    Source: a measurement on digits, where the official recipe ended so; see docs/methods/joint_vae.md.

    >>> collapsed(0.1, 10, 2.30, 2.3026), collapsed(2.2, 10, 2.30, 2.3026)
    (True, False)
    """
    return aggregate_entropy < COLLAPSE_ENTROPY * math.log(categories) and kl > COLLAPSE_CAPACITY * target
