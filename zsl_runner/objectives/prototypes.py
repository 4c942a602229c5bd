"""Prototypes: for each class the mean direction of the pixels that its map is most sure of."""

from __future__ import annotations

from typing import Final, NamedTuple

import torch
from torch import Tensor

from zsl_runner.objectives.class_maps import EPS
from zsl_runner.objectives.normalisation import l2_normalised, sum_normalised
from zsl_runner.objectives.precision import unrounded

BACKGROUNDS: Final = ("complement", "constant")
TIES: Final = ("shared", "first")


class Prototypes(NamedTuple):
    """Directions of the classes in the space of projected pixels.

    Attributes:
        vectors: (K, D) of norm 1, the background's first; constants for the gradient.
        valid: (K,) bool, which classes have one.
    """

    vectors: Tensor
    valid: Tensor


@torch.no_grad()
def pixel_weights(
    scores: Tensor,
    tags: Tensor,
    background: str = "complement",
    threshold: float = 0.0,
    absent_masked: bool = True,
) -> Tensor:
    r"""With what weight a pixel may enter the prototype of each class.

    .. math:: w_c(i) = s_c(i) \, t_c, \qquad w_0(i) = 1 - \max_{c \ge 1} s_c(i) \, t_c

    Args:
        scores: (B, C, H, W) `zsl_runner.objectives.class_maps.confidences`.
        tags: (B, C).
        background: ``complement`` as above; ``constant``: the threshold everywhere, as released. The most confident
            background is then a tie of all pixels.
        threshold: beta, for ``constant``.
        absent_masked: False for the released form without $t_c$ in $w_c$, in which classes that no image shows have a
            most confident pixel, too.

    Returns:
        (B, K, H, W); constants.

    Raises:
        ValueError: an unknown background.

    Source: Du et al. (CVPR 2022), arXiv 2110.07110; the released form is that of its code.
    """
    if background not in BACKGROUNDS:
        raise ValueError(f"unknown background {background!r}; expected {' or '.join(BACKGROUNDS)}")
    tagged = scores * tags[:, :, None, None].to(scores.dtype)
    rest = torch.full_like(tagged[:, :1], threshold)
    if background == "complement":
        rest = 1 - tagged.amax(1, keepdim=True)
    return torch.cat([rest, tagged if absent_masked else scores], 1)


@torch.no_grad()
def prototypes(features: Tensor, weights: Tensor, count: int, ties: str = "shared") -> Prototypes:
    r"""Mean directions of the most confident pixels of a whole batch.

    .. math:: p_c = \frac{q_c}{\|q_c\|_2}, \qquad
        q_c = \frac{\sum_{i \in \Omega_c} w_c(i) \, v(i)}{\sum_{i \in \Omega_c} w_c(i)}

    with $\Omega_c$ the ``count`` pixels of largest w_c among all images. Where the last of them are equal to pixels
    that come no more, all of these share their places: neither the order of the images nor that of the pixels matters.

    Args:
        features: (B, D, H, W) projected pixels v, of any length.
        weights: (B, K, H, W) `pixel_weights`.
        count: pixels of a class; fewer count if fewer have a positive weight.
        ties: ``first``: of equal pixels the first ones come in, as in the released code.

    Returns:
        The prototypes. A class has none if its weights have no positive sum, or its pixels no direction.

    Raises:
        ValueError: ``count`` is not among 1..B H W, or ``ties`` is unknown.

    Source: Du et al. 2022; count is H W / 8 beside SEAM, H W / 16 beside EPS.

    >>> features = torch.tensor([[1.0, 0.0, 5.0], [0.0, 2.0, 5.0]]).reshape(1, 2, 1, 3)
    >>> weights = torch.tensor([[0.8, 0.3, 0.1], [0.0, 0.0, 0.0]]).reshape(1, 2, 1, 3)
    >>> found = prototypes(features, weights, 2)
    >>> found.vectors, found.valid
    (tensor([[0.8000, 0.6000],
            [0.0000, 0.0000]]), tensor([ True, False]))
    """
    if ties not in TIES:
        raise ValueError(f"unknown treatment of ties {ties!r}; expected {' or '.join(TIES)}")
    pixels = features.transpose(0, 1).flatten(1).T
    weights = weights.transpose(0, 1).flatten(1)
    if not 1 <= count <= len(pixels):
        raise ValueError(f"expected 1 to {len(pixels)} pixels for a prototype, as many as there are, found {count}")
    kept = weights * _places(weights, count, ties)
    with unrounded(pixels.device):
        sums = sum_normalised(kept, 1, EPS) @ pixels
    valid = (kept.sum(1) > 0) & (sums.abs().amax(1) > 0)
    return Prototypes(l2_normalised(sums, 1), valid)


def _places(weights: Tensor, count: int, ties: str) -> Tensor:
    """Return (K, N) shares in 0..1 of the pixels in the ``count`` places of each class."""
    if ties == "first":
        order = weights.sort(dim=1, descending=True, stable=True).indices[:, :count]
        return torch.zeros_like(weights).scatter_(1, order, 1.0)
    least = weights.topk(count, 1).values[:, -1:]
    above, equal = weights > least, weights == least
    shared = (count - above.sum(1, keepdim=True)) / equal.sum(1, keepdim=True)
    return above.to(weights.dtype) + equal * shared
