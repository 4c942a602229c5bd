"""Random perturbation of class vectors on the unit sphere."""

from __future__ import annotations

from torch import Tensor

from zsl_runner.objectives.normalisation import l2_normalised


def perturbed(class_vectors: Tensor, draws: Tensor, strength: float) -> Tensor:
    r"""Stretch each entry of a class vector by a random factor and return to unit norm.

    .. math:: \tilde a = \frac{a + c \, \rho \odot a}{\| a + c \, \rho \odot a \|_2}

    Signs and zeros stay. A vector of zeros stays one.

    Args:
        class_vectors: (B, k).
        draws: (B, k) rho, uniform in [0, 1].
        strength: c >= 0; 0 only normalises.

    Returns:
        (B, k) rows of norm 1.

    Source: the code released with Bi-VAEGAN (Wang et al. 2023): c = 0.1 for its attribute critic, c = 1 to synthesise
    the final classifier's training set; never on CUB.

    >>> import torch
    >>> perturbed(torch.tensor([[3.0, 2.0]]), torch.tensor([[0.0, 1.0]]), strength=1.0)
    tensor([[0.6000, 0.8000]])
    """
    return l2_normalised(class_vectors * (1 + strength * draws), 1)
