"""How much each weight matters, from the gradients of single rows.

The gradient of a row with respect to the weights of a linear map is the outer product of what comes out of the backward
pass and what went in. So sums over rows of its squares and of its absolute values are matrix products of squares and of
absolute values, and no row's gradient is ever held.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from torch import Tensor, nn
from torch.nn.functional import unfold

Magnitude = Callable[[Tensor], Tensor]
"""What is summed over rows: `torch.square` or `torch.abs`, functions for which m(ab) = m(a) m(b)."""

SMALLEST: Final = 1e-24
"""Squared norm below which a norm has no gradient."""


def linear_magnitudes(
    inputs: Tensor, gradients: Tensor, magnitude: Magnitude, weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    r"""Return sums over rows of the magnitudes of a linear map's gradients.

    .. math:: \sum_b w_b \, m(\delta_{bo}\, a_{bi}) = \sum_b w_b \, m(\delta_{bo})\, m(a_{bi})

    Args:
        inputs: (B, I) a.
        gradients: (B, O) delta, of each row's own loss with respect to the map's output.
        magnitude: m.
        weights: (B,) w >= 0; None for one.

    Returns:
        (O, I) of the weights and (O,) of the offsets.

    Source: Goodfellow 2015 (arXiv 1510.01799), for squares.
    """
    out = magnitude(gradients) if weights is None else weights[:, None] * magnitude(gradients)
    return out.T @ magnitude(inputs), out.sum(0)


def convolution_magnitudes(
    layer: nn.Conv2d, inputs: Tensor, gradients: Tensor, magnitude: Magnitude, weights: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return sums over rows of the magnitudes of a convolution's gradients.

    Args:
        layer: the convolution, with one group.
        inputs: (B, C, H, W).
        gradients: (B, O, H', W') of each row's own loss with respect to the output.
        magnitude: see `linear_magnitudes`.
        weights: (B,); None for one.

    Returns:
        The shape of the weights, and (O,) of the offsets.
    """
    rows = convolution_gradients(layer, inputs, gradients)
    offsets = magnitude(gradients.sum((2, 3)))
    sizes = magnitude(rows)
    if weights is not None:
        sizes, offsets = weights[:, None, None] * sizes, weights[:, None] * offsets
    return sizes.sum(0).view_as(layer.weight), offsets.sum(0)


def convolution_gradients(layer: nn.Conv2d, inputs: Tensor, gradients: Tensor) -> Tensor:
    """Return the (B, O, C k k) gradients of each row with respect to a convolution's weights."""
    patches = unfold(inputs, layer.kernel_size, layer.dilation, _padding(layer), layer.stride)
    return gradients.flatten(2) @ patches.mT


def _padding(layer: nn.Conv2d) -> tuple[int, ...]:
    if isinstance(layer.padding, str):
        raise ValueError(f"expected padding in pixels, found {layer.padding!r}")
    return layer.padding


def log_likelihood(logits: Tensor, labels: Tensor) -> Tensor:
    """Return the (B,) log-likelihoods of labels, in nats; their squared gradients make up the Fisher information.

    Args:
        logits: (B, K).
        labels: (B,) int64 in 0..K-1.
    """
    chosen: Tensor = logits.log_softmax(1).gather(1, labels[:, None])[:, 0]
    return chosen


def output_size(logits: Tensor, squared: bool) -> Tensor:
    """Return the (B,) norms of outputs, or their squares, whose absolute gradients are MAS's importances.

    Args:
        logits: (B, K).
        squared: whether the squared norm is taken, as Aljundi et al. 2018 do, or the norm, as the code released with
            ANCL does; below `SMALLEST` it is constant, so that outputs of zero have a gradient.
    """
    squares = logits.square().sum(1)
    return squares if squared else squares.clamp_min(SMALLEST).sqrt()


def accumulated(earlier: list[Tensor], new: list[Tensor], rule: str, decay: float, first: bool) -> list[Tensor]:
    r"""Return the importances of all tasks so far.

    .. math:: F \leftarrow F + F_t \qquad F \leftarrow \alpha F + (1 - \alpha) F_t \qquad F \leftarrow \gamma F + F_t

    Args:
        earlier: F of the tasks before.
        new: F_t of the task just learned.
        rule: ``sum``, ``average`` (alpha), ``average_from_zero``, which treats the first task like the others, or
            ``online`` (gamma).
        decay: alpha or gamma in 0..1; not used by ``sum``.
        first: whether ``new`` is of the first task.

    Source: Kirkpatrick et al. 2017 (sum); code released with ANCL (average_from_zero); Schwarz et al. 2018 (online).

    >>> import torch
    >>> accumulated([torch.tensor(2.0)], [torch.tensor(4.0)], "average", 0.5, first=False)
    [tensor(3.)]
    """
    if first and rule != "average_from_zero":
        return [importance.clone() for importance in new]
    kept = 1.0 if rule == "sum" else decay
    taken = 1 - decay if rule.startswith("average") else 1.0
    return [kept * before + taken * now for before, now in zip(earlier, new, strict=True)]
