"""Vectors that stand for clusters in a low-dimensional representation, and what keeps them apart."""

from __future__ import annotations

import torch
from torch import Tensor


def head_repulsion(heads: Tensor, least_distance: float) -> Tensor:
    r"""Penalty of pairs of cluster heads that are closer than a threshold.

    .. math:: L = \sum_{i < j} \max(0, \eta - \| w_i - w_j \|)

    The gradient on each of two close heads has norm 1, and is 0 where they coincide.

    Args:
        heads: (m, n), one row w_i for each cluster.
        least_distance: the threshold eta >= 0.

    Returns:
        A scalar >= 0.

    Source: Makhzani et al. 2015, section on dimensionality reduction.

    >>> head_repulsion(torch.tensor([[0.0, 0.0], [3.0, 0.0], [0.0, 9.0]]), 4.0)
    tensor(1.)
    """
    first, second = torch.triu_indices(len(heads), len(heads), offset=1, device=heads.device)
    distances = torch.linalg.vector_norm(heads[first] - heads[second], dim=1)
    penalty: Tensor = (least_distance - distances).clamp_min(0).sum()
    return penalty


def simplex(count: int, width: int, edge: float) -> Tensor:
    """Return the corners of a regular simplex around the origin: points that all have one distance from each other.

    Args:
        count: number m of corners.
        width: dimension n >= m - 1 of the space.
        edge: the distance.

    Returns:
        (m, n).

    Raises:
        ValueError: the space is too narrow.

    >>> torch.pdist(simplex(4, 3, 2.0))
    tensor([2.0000, 2.0000, 2.0000, 2.0000, 2.0000, 2.0000])
    """
    if width < count - 1:
        raise ValueError(f"a simplex of {count} corners needs {count - 1} dimensions, found {width}")
    # Unit vectors minus their mean span m - 1 dimensions; the rest of an orthonormal basis gives their coordinates.
    centred = torch.eye(count, dtype=torch.float64) - 1 / count
    basis = torch.linalg.svd(centred).Vh[: count - 1]
    corners = torch.zeros(count, width, dtype=torch.float64)
    corners[:, : count - 1] = centred @ basis.T * (edge / 2**0.5)
    return corners.float()
