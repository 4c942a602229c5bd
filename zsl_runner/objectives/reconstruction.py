"""Reconstruction terms of feature VAEs beside `gaussian.squared_error`."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional as F


def cross_entropy_per_row(reconstruction: Tensor, x: Tensor) -> Tensor:
    r"""Binary cross-entropy, summed over features and averaged over rows.

    .. math:: -\frac1B \sum_i \sum_j \big[ x_{ij} \log \hat x_{ij} + (1 - x_{ij}) \log(1 - \hat x_{ij}) \big]

    Its least value over reconstructions is the entropy of x, which is 0 only if x holds nothing but 0 and 1.

    Args:
        reconstruction: (B, d) in [0, 1], e.g. behind a sigmoid. Each logarithm is bounded below by -100.
        x: (B, d) features in [0, 1]. Not checked here, for that would wait for the device: outside, the term is no
            longer bounded below and training diverges without an error. Whoever scales the features checks.

    Returns:
        A scalar.

    Source: f-VAEGAN-D2 (Xian et al. 2019) with features scaled to [0, 1], as reduced by the code of TF-VAEGAN.

    >>> import torch
    >>> cross_entropy_per_row(torch.full((3, 4), 0.5), torch.ones(3, 4))
    tensor(2.7726)
    """
    return F.binary_cross_entropy(reconstruction, x, reduction="sum") / len(x)


def twice_averaged_squared_error(reconstruction: Tensor, x: Tensor) -> Tensor:
    r"""Squared error, averaged over all elements and divided by the batch size once more.

    .. math:: \frac{1}{B^2 d} \sum_{ij} (\hat x_{ij} - x_{ij})^2

    This is `gaussian.squared_error`, the form of the paper, divided by B d. Against a divergence of full weight it is
    so small that the posterior collapses onto the prior: it reproduces published runs and is of no other use.

    Args:
        reconstruction: (B, d).
        x: (B, d) features.

    Returns:
        A scalar >= 0.

    Source: the code released with Bi-VAEGAN (Wang et al. 2023), features on a sphere.

    >>> import torch
    >>> twice_averaged_squared_error(torch.zeros(2, 2048), torch.ones(2, 2048))
    tensor(0.5000)
    """
    return F.mse_loss(reconstruction, x) / len(x)
