"""Composition and weighting of SGAL's mixed batches."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def batch_composition(batch_size: int, ratio: float) -> tuple[int, int]:
    r"""Return (real rows, class draws) of a mixed batch.

    $n_r = \lfloor B(1-g) + 1/2 \rfloor$ and $n_g = \lfloor Bg + 1/2 \rfloor$ (SGAL's released code).

    Args:
        batch_size: B.
        ratio: g in [0, 1], the share of generated draws before copying.

    >>> [batch_composition(64, g) for g in (0.85, 0.90, 0.95)]
    [(10, 54), (6, 58), (3, 61)]
    """
    return math.floor(batch_size * (1 - ratio) + 0.5), math.floor(batch_size * ratio + 0.5)


def class_balanced_weights(
    labels: Tensor, real_rows: int, class_counts: Tensor, unseen_probability: Tensor, draws: int, copies: int
) -> Tensor:
    r"""Return row weights under which every class has the same expected total weight in a mixed batch.

    A row of class k weighs $w \propto 1 / \mathbb{E}[\text{rows of } k]$: $n_r N_k / N$ rows are expected of a seen
    class and copies $\cdot n_g \pi_k$ of an unseen one. This is the weighting of SGAL's objective, in which each class
    contributes a mean over its own samples (Yu and Lee 2019); equal row weights are the released code's.

    Args:
        labels: (B,) global class ids; the first ``real_rows`` are real.
        real_rows: n_r.
        class_counts: (K,) number of training rows N_k of each class (0 for unseen ones).
        unseen_probability: (K,) probability of each unseen class in a draw (0 for seen ones).
        draws: n_g.
        copies: copies of each draw.

    Returns:
        (B,) float32 with mean 1.
    """
    expected = real_rows * class_counts / class_counts.sum() + copies * draws * unseen_probability
    weights = 1 / expected[labels]
    return (weights / weights.mean()).to(torch.float32)
