"""Log-likelihoods of structured outputs, in nats, summed over the entries of each output."""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def _summed(values: Tensor, valid: Tensor | None, axes: int) -> Tensor:
    if valid is not None:
        values = values * valid
    return values.flatten(-axes).sum(-1)


def bernoulli_log_likelihood(logits: Tensor, y: Tensor, valid: Tensor | None = None) -> Tensor:
    r"""Log-likelihood of independent Bernoulli variables.

    .. math:: \sum_j y_j \log \sigma(l_j) + (1 - y_j) \log (1 - \sigma(l_j))

    Outputs between 0 and 1 count as probabilities of the two values: the sum is then minus the cross-entropy, whose
    largest value is minus the entropy of the outputs, not 0.

    Args:
        logits: (..., B, *s) with any leading axes.
        y: (B, *s) in [0, 1].
        valid: (B, *s) bool, which entries count; None for all.

    Returns:
        (..., B) nats.

    Source: Sohn et al. 2015, section 5.1 (pixels of MNIST).

    >>> bernoulli_log_likelihood(torch.zeros(1, 2), torch.tensor([[0.0, 1.0]]))
    tensor([-1.3863])
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    return _summed(y * logits - F.softplus(logits), valid, y.ndim - 1)


def categorical_log_likelihood(logits: Tensor, labels: Tensor, valid: Tensor | None = None) -> Tensor:
    r"""Log-likelihood of independent categorical variables.

    .. math:: \sum_j \log \mathrm{softmax}(l_{\cdot j})_{y_j}

    Args:
        logits: (..., B, K, *s), the classes before the axes of an output.
        labels: (B, *s) int64 in 0..K-1; entries that are not valid may hold anything.
        valid: (B, *s) bool, which entries count; None for all.

    Returns:
        (..., B) nats.

    Source: Sohn et al. 2015, section 5.2 (labels of pixels).

    >>> categorical_log_likelihood(torch.zeros(1, 4, 3), torch.tensor([[0, 1, 3]]))
    tensor([-4.1589])
    """
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    axis = -labels.ndim
    index = (labels if valid is None else torch.where(valid, labels, 0)).unsqueeze(1)
    own = logits.gather(axis, index.expand(*logits.shape[:axis], *index.shape[1:])).squeeze(axis)
    return _summed(own - logits.logsumexp(axis), valid, labels.ndim - 1)


def gaussian_log_likelihood(mean: Tensor, y: Tensor, valid: Tensor | None = None, *, deviation: float = 1.0) -> Tensor:
    r"""Log-likelihood of independent Gaussians of one common standard deviation.

    .. math:: -\sum_j \Big[ \frac{(y_j - m_j)^2}{2 s^2} + \log s + \frac12 \log 2\pi \Big]

    Args:
        mean: (..., B, *s).
        y: (B, *s).
        valid: (B, *s) bool, which entries count; None for all.
        deviation: s > 0.

    Returns:
        (..., B) nats.

    Source: textbook; the decoder of a conditional autoencoder of features.

    >>> gaussian_log_likelihood(torch.zeros(1, 1), torch.ones(1, 1))
    tensor([-1.4189])
    """
    mean = mean.to(torch.promote_types(mean.dtype, torch.float32))
    scaled = ((y - mean) / deviation).square()
    return _summed(-0.5 * scaled - math.log(deviation) - 0.5 * math.log(2 * math.pi), valid, y.ndim - 1)
