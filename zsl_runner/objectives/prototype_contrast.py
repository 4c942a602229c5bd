"""Contrast of pixels with prototypes, across two views and within each.

The N = B H W pixels of a batch go image by image and row by row. K classes with the background first.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from zsl_runner.objectives.normalisation import l2_normalised
from zsl_runner.objectives.precision import unrounded
from zsl_runner.objectives.prototype_mining import Mining, class_mean, hard_pixels, semi_hard_weights
from zsl_runner.objectives.prototypes import Prototypes


class ContrastView(NamedTuple):
    """One view of a batch.

    Attributes:
        features: (B, D, H, W) projected pixels, of any length.
        labels: (B, H, W) int64 pseudo masks.
        prototypes: made of this view.
    """

    features: Tensor
    labels: Tensor
    prototypes: Prototypes


def similarities(features: Tensor, vectors: Tensor) -> Tensor:
    """Return the (N, K) cosines of pixels (B, D, H, W) and unit vectors (K, D).

    Autocast does not round them: divided by a temperature of 0.1, and ranked, they would not be what they were.
    """
    pixels = l2_normalised(features, 1).transpose(0, 1).flatten(1).T
    with unrounded(features.device):
        return pixels @ vectors.T


def contrast(cosines: Tensor, labels: Tensor, weights: Tensor, temperature: float) -> Tensor:
    r"""Cross entropy of each pixel's class against the other prototypes.

    .. math:: -\log \frac{\exp(\cos_{i y_i} / \tau)}{\sum_c w_{ic} \exp(\cos_{ic} / \tau)}

    Args:
        cosines: (N, K) `similarities`.
        labels: (N,) int64 in 0..K-1.
        weights: (N, K) or (K,) how often a prototype counts: 0 leaves it out.
        temperature: tau.

    Returns:
        (N,) nats; 0 for a pixel whose own class is left out.

    Source: Du et al. (CVPR 2022), arXiv 2110.07110.

    >>> contrast(torch.zeros(1, 4), torch.tensor([0]), torch.tensor([1.0, 1.0, 0.0, 0.0]), 0.1)
    tensor([0.6931])
    """
    index = labels[:, None]
    weights = weights.expand_as(cosines).to(cosines.dtype)
    counted = weights.gather(1, index) > 0
    # A pixel that does not count may have no prototype at all, whose sum of exponentials has no logarithm.
    logits = cosines / temperature + torch.where(counted, weights, 1).log()
    losses = logits.logsumexp(1) - cosines.gather(1, index).squeeze(1) / temperature
    return torch.where(counted.squeeze(1), losses, 0)


def mean_contrast(features: Tensor, labels: Tensor, prototypes: Prototypes, temperature: float) -> Tensor:
    """Return the mean of `contrast` over pixels (B, D, H, W) whose class (B, H, W) has a prototype; 0 without any."""
    flat = labels.flatten()
    losses = contrast(similarities(features, prototypes.vectors), flat, prototypes.valid, temperature)
    return losses.sum() / prototypes.valid[flat].sum().clamp(min=1)


def cross_prototype(one: ContrastView, other: ContrastView, temperature: float) -> Tensor:
    r"""Pixels of each view with its own pseudo masks, against the other view's prototypes.

    .. math:: \frac12 \left[ \overline{\mathrm{NCE}}(v_S; y_S; P_T) + \overline{\mathrm{NCE}}(v_T; y_T; P_S) \right]

    Args:
        one: a view.
        other: the other, on the same grid.
        temperature: tau.

    Returns:
        () nats.

    Source: Du et al. 2022, cross-prototype contrast.
    """
    return 0.5 * (
        mean_contrast(one.features, one.labels, other.prototypes, temperature)
        + mean_contrast(other.features, other.labels, one.prototypes, temperature)
    )


def cross_map(one: ContrastView, other: ContrastView, temperature: float) -> Tensor:
    r"""Pixels and prototypes of each view, with the other view's pseudo masks.

    .. math:: \frac12 \left[ \overline{\mathrm{NCE}}(v_S; y_T; P_S) + \overline{\mathrm{NCE}}(v_T; y_S; P_T) \right]

    Args:
        one: a view.
        other: the other, on the same grid.
        temperature: tau.

    Returns:
        () nats.

    Source: Du et al. 2022, cross-CAM contrast.
    """
    return 0.5 * (
        mean_contrast(one.features, other.labels, one.prototypes, temperature)
        + mean_contrast(other.features, one.labels, other.prototypes, temperature)
    )


def intra_view(
    one: ContrastView, other: ContrastView, temperature: float, mining: Mining, draws: tuple[Tensor, Tensor]
) -> Tensor:
    r"""Pixels, pseudo masks and prototypes of each view, with semi-hard prototypes and hard pixels alone.

    .. math:: \frac12 \left[ \mathrm{NCE}^*(v_S; y_S; P_S) + \mathrm{NCE}^*(v_T; y_T; P_T) \right]

    Args:
        one: a view.
        other: the other.
        temperature: tau.
        mining: which prototypes and pixels take part.
        draws: for each view (N,) uniform in [0, 1).

    Returns:
        () nats.

    Source: Du et al. 2022, intra-view contrast.
    """
    return 0.5 * (_mined(one, temperature, mining, draws[0]) + _mined(other, temperature, mining, draws[1]))


def _mined(view: ContrastView, temperature: float, mining: Mining, draws: Tensor) -> Tensor:
    vectors, valid = view.prototypes
    cosines, labels = similarities(view.features, vectors), view.labels.flatten()
    ranked = cosines.detach()
    weights = semi_hard_weights(ranked, labels, valid, mining)
    counted = valid[labels]
    positive = ranked.gather(1, labels[:, None]).squeeze(1)
    chosen = hard_pixels(positive, labels, counted, draws, len(vectors), mining)
    losses = contrast(cosines, labels, weights, temperature)
    return class_mean(losses, labels, chosen, counted, len(vectors), mining)
