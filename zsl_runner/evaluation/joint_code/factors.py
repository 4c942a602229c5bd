"""The FactorVAE score of codes with continuous and discrete variables, on images of known factors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from zsl_runner.objectives.disentanglement import factor_vae_score, gini_variance, least_varying

DEAD: Final = 0.05
"""Variables whose variance over all images is smaller take no part."""
BLOCK: Final = 50
"""Votes counted at a time."""


def score_of_codes(
    means: Tensor,
    categories: Tensor,
    counts: Sequence[int],
    factors: Tensor,
    votes: int,
    batch: int,
    generator: torch.Generator,
) -> float:
    """Return the FactorVAE score in 0..1.

    For each vote one factor is held at the value of a random image, and a batch is drawn from all images with it; the
    variable that varies least, in units of its variance over all images, votes for the factor. A factor that never
    varies is left out.

    Args:
        means: (n, d) of the continuous variables; their variance counts.
        categories: (n, K) int64; their Gini variance counts.
        counts: numbers of categories.
        factors: (n, F) int64 values of the factors.
        votes: V votes for the classifier, and as many to score it.
        batch: images L of a vote, drawn with repetition.
        generator: draws factors and images, on the CPU.

    Returns:
        The share of right names; 0 if no variable or no factor varies.

    Source: Kim and Mnih 2018; Gini variance after Dupont 2018.
    """
    means, categories, factors = means.double().cpu(), categories.cpu(), factors.cpu()
    whole = _variances(means.unsqueeze(0), categories.unsqueeze(0), counts)[0]
    alive = whole >= DEAD
    varying = [column for column in range(factors.shape[1]) if bool((factors[:, column] != factors[0, column]).any())]
    if not varying or not alive.any():
        return 0.0
    drawn = [_drawn(factors[:, column], generator, batch, 2 * votes) for column in varying]
    fixed = torch.randint(len(varying), (2 * votes,), generator=generator)
    rows = torch.stack(drawn)[fixed, torch.arange(2 * votes)]
    found = torch.cat(
        [
            least_varying(_variances(means[part], categories[part], counts), whole, alive)
            for part in torch.split(rows, BLOCK)
        ]
    )
    return factor_vae_score(found[:votes], fixed[:votes], found[votes:], fixed[votes:], (len(whole), len(varying)))


def _drawn(values: Tensor, generator: torch.Generator, batch: int, times: int) -> Tensor:
    """Return (times, batch) images; those of a line have the factor's value of one random image."""
    order = values.argsort(stable=True)
    present, sizes = torch.unique(values, return_counts=True)
    starts = sizes.cumsum(0) - sizes
    chosen = values[torch.randint(len(values), (times,), generator=generator)]
    places = torch.searchsorted(present, chosen)
    offsets = (torch.rand((times, batch), generator=generator, dtype=torch.float64) * sizes[places, None]).long()
    return order[starts[places, None] + offsets]


def _variances(means: Tensor, categories: Tensor, counts: Sequence[int]) -> Tensor:
    """Return (V, d + K) variances of (V, L, d) means and (V, L, K) categories."""
    gini = [gini_variance(categories[..., place], count) for place, count in enumerate(counts)]
    return torch.cat([means.var(1), *(column.unsqueeze(1) for column in gini)], dim=1)
