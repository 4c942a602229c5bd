"""Log-density of rows under a mixture of equal Gaussians around samples of a model (a Parzen window)."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def parzen_log_density(x: Tensor, samples: Tensor, deviations: Sequence[float], chunk: int = 500) -> Tensor:
    r"""Log-density of each row, for several window widths at once.

    .. math:: \log \frac1n \sum_{i=1}^n N(x; s_i, \sigma^2 I)
        = \operatorname{logsumexp}_i \Big( -\frac{\| x - s_i \|^2}{2 \sigma^2} \Big) - \log n
        - \frac D2 \log (2 \pi \sigma^2)

    A density of a continuous variable: with a small sigma it exceeds 1 and its logarithm is positive. It depends on n,
    so densities of different n are not comparable. Distances are computed once for all widths, in blocks of rows.

    Args:
        x: (T, D) rows.
        samples: (n, D) draws of the model.
        deviations: the widths sigma > 0.
        chunk: rows of a block; a block takes chunk * n numbers.

    Returns:
        (len(deviations), T) nats.

    Source: Breuleux et al. 2011, as used by Goodfellow et al. 2014 and Makhzani et al. 2015.

    >>> parzen_log_density(torch.zeros(1, 784), torch.zeros(1, 784), [0.2])
    tensor([[541.3515]])
    """
    norms = samples.square().sum(1)
    width, constant = x.shape[1], math.log(len(samples))
    blocks = []
    for rows in torch.split(x, chunk):
        squares = torch.addmm(norms, rows, samples.T, alpha=-2).add_(rows.square().sum(1, keepdim=True)).clamp_min_(0)
        densities = [
            torch.logsumexp(squares * (-0.5 / s**2), 1) - constant - 0.5 * width * math.log(2 * math.pi * s**2)
            for s in deviations
        ]
        blocks.append(torch.stack(densities))
    return torch.cat(blocks, 1)
