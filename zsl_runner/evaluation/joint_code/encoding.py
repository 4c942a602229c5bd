"""Codes of a set of images block by block, and the FactorVAE score of codes of images of known factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.data.images.folds import ImageView
from zsl_runner.models.joint_code import JointCodeModel
from zsl_runner.models.networks import finite
from zsl_runner.objectives.disentanglement import factor_vae_score, gini_variance, least_varying
from zsl_runner.objectives.joint_code import categorical_entropy

DEAD: Final = 0.05
"""Variables whose variance over all images is smaller take no part, as those that have collapsed to the prior.

It is a variance, in squared units of the code, and no share of another one. disentanglement_lib, whose published
configurations have the same number, compares the standard deviation with it, which keeps variances from 0.0025 on.
"""
BLOCK: Final = 50
"""Votes counted at a time."""


@dataclass(frozen=True)
class Encoding:
    """What is known of the codes of n images.

    Attributes:
        means: (n, d) of the continuous variables.
        categories: (n, K) int64 the likeliest category of each discrete variable.
        aggregates: for each discrete variable (n_k,) the mean of q(c|x) over the images, float64.
        entropies: (K,) mean entropy of q(c|x), in nats.
        continuous_kl: (d,) mean divergences in nats.
        discrete_kl: (K,) mean divergences in nats.
        reconstruction: mean cross-entropy of images decoded from the modes of their codes, in nats; None if not asked
            for.
    """

    means: Tensor
    categories: Tensor
    aggregates: tuple[Tensor, ...]
    entropies: Tensor
    continuous_kl: Tensor
    discrete_kl: Tensor
    reconstruction: float | None


def combinations(first: Tensor, second: Tensor, counts: Sequence[int]) -> tuple[Tensor, Tensor, int]:
    """Number the combinations of categories of all discrete variables together, alike in two sets of images.

    Args:
        first: (n, K) int64 categories of one set, K >= 1.
        second: (m, K) of the other.
        counts: (K,) numbers of categories.

    Returns:
        (n,) and (m,) int64 numbers, and how many there are: of a single variable its categories, of several the
        combinations that occur in either set, for those that might grow as the product of ``counts``.

    >>> combinations(torch.tensor([[1, 1], [0, 2]]), torch.tensor([[0, 2]]), [2, 3])
    (tensor([1, 0]), tensor([0]), 2)
    """
    if len(counts) == 1:
        return first[:, 0], second[:, 0], counts[0]
    present, numbers = torch.unique(torch.cat([first, second]), dim=0, return_inverse=True)
    return numbers[: len(first)], numbers[len(first) :], len(present)


def encode(model: JointCodeModel, images: ImageView, rows: int, block: int, reconstruct: bool) -> Encoding:
    """Encode the first images of a view.

    Args:
        model: in evaluation mode.
        images: the view.
        rows: how many, at least 1.
        block: images at a time.
        reconstruct: whether they are decoded too.
    """
    means, categories = [], []
    sums: dict[str, Tensor] = {}

    def add(name: str, values: Tensor) -> None:
        total = values.double().sum(0)
        sums[name] = sums[name] + total if name in sums else total

    for positions in torch.split(torch.arange(rows, device=images.device), block):
        x = images.take(positions)
        posterior = model.posterior(x)
        means.append(posterior.mean)
        categories.append(_stacked([logits.argmax(1) for logits in posterior.logits], len(x), x.device))
        add("continuous_kl", posterior.continuous_kl())
        add("discrete_kl", posterior.discrete_kl())
        logs = [F.log_softmax(logits, 1) for logits in posterior.logits]
        for place, values in enumerate(logs):
            add(f"aggregate_{place}", values.exp())
            add(f"entropy_{place}", categorical_entropy(values))
        if reconstruct:
            add("reconstruction", model.reconstruction(x, model.decode(posterior.mode())))
    # A NaN among the logits is in the sums of their probabilities, so these vouch for the categories, too.
    mean = {name: finite(f"{name.replace('_', ' ')} of codes", total / rows) for name, total in sums.items()}
    places = range(len(model.categories))
    return Encoding(
        means=finite("means of codes", torch.cat(means)),
        categories=torch.cat(categories),
        aggregates=tuple(mean[f"aggregate_{place}"] for place in places),
        entropies=torch.stack([mean[f"entropy_{place}"] for place in places]) if places else mean["discrete_kl"],
        continuous_kl=mean["continuous_kl"],
        discrete_kl=mean["discrete_kl"],
        reconstruction=float(mean["reconstruction"]) if reconstruct else None,
    )


def _stacked(columns: list[Tensor], rows: int, device: torch.device) -> Tensor:
    return torch.stack(columns, 1) if columns else torch.empty((rows, 0), dtype=torch.int64, device=device)


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
    varies is left out, and so is a variable whose variance over all images is below `DEAD`.

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

    Source: Kim and Mnih 2018, section 4; Gini variance after Dupont 2018.
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
