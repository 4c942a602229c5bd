"""Codes along one variable at a time, for pictures of what it stands for."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F


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
    codes[:, :, starts] = 1.0
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
