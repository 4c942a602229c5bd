"""Which prototypes and which pixels take part in the contrast within a view: semi-hard ones, hard ones.

Nothing here has a gradient; shapes do not depend on values.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from zsl_runner.objectives.precision import unrounded


class Mining(NamedTuple):
    """What is mined.

    Attributes:
        dropped: the most similar prototypes that are left out as too hard.
        last: rank of the last prototype that counts, so that last - dropped negatives do.
        random_share: of a class's pixels that count whatever their similarity.
        band: shares of a class's pixels, from the least similar to their prototype on, between which pixels are hard.
        positive_ranked: True for the released form, which ranks a pixel's own prototype among the others and adds it
            once more: where it lies within the ranks it counts twice.
        mean_over_skipped: True for the released form of the mean over classes, whose divisor counts classes of fewer
            than two pixels although they are left out of the sum.
    """

    dropped: int = 1
    last: int = 6
    random_share: float = 0.5
    band: tuple[float, float] = (0.1, 0.6)
    positive_ranked: bool = False
    mean_over_skipped: bool = False


def semi_hard_weights(cosines: Tensor, labels: Tensor, valid: Tensor, mining: Mining) -> Tensor:
    """Count how often each prototype stands in the denominator of each pixel.

    Once if it is the pixel's own, or a negative whose rank among the negatives by similarity, the most similar first,
    is in ``dropped + 1`` to ``last``.

    Args:
        cosines: (N, K).
        labels: (N,) int64 in 0..K-1.
        valid: (K,) bool, which classes have a prototype; the others take no rank.
        mining: the ranks.

    Returns:
        (N, K) of 0 and 1; up to 2 for the released form.

    Source: Du et al. (CVPR 2022), arXiv 2110.07110: of 21 classes ranks 4 to 13.

    >>> cosines = torch.tensor([[0.9, 0.8, 0.7, 0.6, 0.5]])
    >>> semi_hard_weights(cosines, torch.tensor([1]), torch.ones(5) > 0, Mining(dropped=1, last=3))
    tensor([[0., 1., 1., 1., 0.]])
    """
    own = torch.zeros_like(cosines).scatter_(1, labels[:, None], 1.0)
    candidates = valid.expand_as(cosines)
    if not mining.positive_ranked:
        candidates = candidates & (own == 0)
    ranks = _ranks(cosines.neg(), candidates)
    chosen = candidates & (ranks >= mining.dropped) & (ranks < mining.last)
    return chosen.to(cosines.dtype) + own * valid


def hard_pixels(
    similarity: Tensor, labels: Tensor, counted: Tensor, draws: Tensor, classes: int, mining: Mining
) -> Tensor:
    """Tell which pixels count: of each class some at random, and those of a band of low similarity.

    Of n pixels of a class ``ceil(random_share n)`` are drawn; ordered from the least similar on, those from place
    ``floor(band[0] n)`` up to ``ceil(band[1] n)`` are hard, so that a class with one pixel keeps it.

    Args:
        similarity: (N,) of each pixel to its own prototype.
        labels: (N,) int64 in 0..classes-1.
        counted: (N,) bool, pixels that may count at all.
        draws: (N,) uniform in [0, 1).
        classes: number K.
        mining: shares.

    Returns:
        (N,) bool.

    Source: Du et al. 2022: half at random, and from the lowest 10 to 60 per cent.

    >>> labels, no = torch.zeros(4, dtype=torch.int64), Mining(random_share=0.0, band=(0.25, 0.5))
    >>> hard_pixels(torch.tensor([0.4, 0.1, 0.3, 0.2]), labels, labels == 0, torch.zeros(4), 1, no)
    tensor([False, False, False,  True])
    """
    members = _members(labels, counted, classes)
    sizes = members.sum(1, keepdim=True).double()
    places = _ranks(similarity.expand(classes, -1), members)
    # Products like 0.6 x 5 are whole but for rounding.
    first, last = (sizes * mining.band[0] + 1e-9).floor(), (sizes * mining.band[1] - 1e-9).ceil()
    drawn = _ranks(draws.expand(classes, -1), members) < (sizes * mining.random_share - 1e-9).ceil()
    return (members & (drawn | ((places >= first) & (places < last)))).any(0)


def class_mean(values: Tensor, labels: Tensor, chosen: Tensor, counted: Tensor, classes: int, mining: Mining) -> Tensor:
    """Return the mean over classes of the means of their chosen values; 0 if none is chosen.

    Args:
        values: (N,); the only argument with a gradient.
        labels: (N,) int64 in 0..classes-1.
        chosen: (N,) bool.
        counted: (N,) bool, of which ``chosen`` is a part; for the released form of the mean.
        classes: number K.
        mining: over which classes the mean is.

    >>> labels, chosen = torch.tensor([0, 0, 2]), torch.ones(3) > 0
    >>> class_mean(torch.tensor([1.0, 3.0, 6.0]), labels, chosen, chosen, 3, Mining())
    tensor(4.)
    """
    members = _members(labels, chosen, classes)
    sizes = members.sum(1)
    summed, divided = sizes > 0, sizes > 0
    if mining.mean_over_skipped:
        found = _members(labels, counted, classes).sum(1)
        summed, divided = summed & (found >= 2), found > 0
    with unrounded(values.device):
        means = members.to(values.dtype) @ values / sizes.clamp(min=1)
    return (means * summed).sum() / divided.sum().clamp(min=1)


def _members(labels: Tensor, among: Tensor, classes: int) -> Tensor:
    """Return (K, N) bool, which pixels among some belong to each class."""
    return (labels == torch.arange(classes, device=labels.device)[:, None]) & among


def _ranks(values: Tensor, among: Tensor) -> Tensor:
    """Return the ranks from 0, smallest value first, within each row among some entries; the others come after them."""
    return torch.where(among, values, torch.inf).argsort(dim=1, stable=True).argsort(1)
