"""Multinomial logistic regression: the gradient of its cross entropy in closed form, and its log-odds."""

from __future__ import annotations

import torch
from torch import Tensor


def softmax_residual(logits: Tensor, labels: Tensor) -> Tensor:
    r"""Return the gradient of the mean cross entropy with respect to the logits.

    $L = -\frac1B \sum_i \log \mathrm{softmax}(l_i)_{y_i}, \qquad
    \partial L / \partial l_{ic} = \frac1B\,(\mathrm{softmax}(l_i)_c - [c = y_i])$

    With $l_i = W x_i + b$ the gradients of the parameters are $G^\top X$ for W and the column sums of G for b, so that
    no graph is needed.

    Args:
        logits: (B, C) finite.
        labels: (B,) int64 in 0..C-1.

    Returns:
        G, (B, C); each row sums to 0 and lies in [-1/B, 1/B].
    """
    residual = logits.softmax(1)
    index = labels[:, None]
    residual.scatter_(1, index, residual.gather(1, index) - 1)
    return residual.div_(len(logits))


def log_odds(logits: Tensor) -> Tensor:
    r"""Return how sure each row is of each class, also where its probability rounds to 0 or 1.

    $\log \frac{p_{ic}}{1 - p_{ic}} = l_{ic} - \log \sum_{j \ne c} \exp l_{ij}$ with $p_i = \mathrm{softmax}(l_i)$

    Args:
        logits: (B, C) finite, C >= 2.

    Returns:
        (B, C).

    >>> log_odds(torch.tensor([[40.0, 0.0]]))
    tensor([[ 40., -40.]])
    """
    others = [torch.cat([logits[:, :c], logits[:, c + 1 :]], 1).logsumexp(1) for c in range(logits.shape[1])]
    return logits - torch.stack(others, 1)
