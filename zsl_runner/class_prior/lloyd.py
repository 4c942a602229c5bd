"""K-means by Lloyd's iterations, computed where the rows are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import torch
from torch import Tensor

BLOCK: Final = 4096
"""Rows that are widened to float64 at a time."""
TOLERANCE: Final = 1e-4
"""Squared movement of all centres, by the mean variance of the features, that ends the iterations."""
ITERATIONS: Final = 300


def lloyd_clusters(x: Tensor, centres: Tensor) -> Tensor:
    """Return the clusters that Lloyd's iterations make from the given centres.

    The stopping rule and what becomes of an empty cluster are those of scikit-learn's ``KMeans`` (1.x, its defaults).
    Numbers are float64, whose products a GPU's precision settings leave alone. A cluster that loses all its rows moves
    to the row farthest from its centre; if several do, the farthest rows go to them in order. No random number is drawn
    and sums are products of matrices, so two calls on one device agree to the bit.

    Args:
        x: (n, D) rows, n >= 1, of any floating type.
        centres: (C, D) where the clusters start.

    Returns:
        (n,) int64 clusters in 0..C-1.

    Source: Lloyd, Least squares quantization in PCM, IEEE Transactions on Information Theory 28, 1982.
    """
    mean = _sum(rows.sum(0) for rows in _blocks(x)) / len(x)
    variances = _sum((rows - mean).square().sum(0) for rows in _blocks(x)) / len(x)
    tolerance = TOLERANCE * float(variances.mean())
    centres = centres.double() - mean
    before: Tensor | None = None
    for _ in range(ITERATIONS):
        clusters = _nearest(x, mean, centres)
        moved = _means(x, mean, clusters, centres)
        if before is not None and torch.equal(clusters, before):
            return clusters
        shift = float((moved - centres).square().sum())
        centres, before = moved, clusters
        if shift <= tolerance:
            break
    return _nearest(x, mean, centres)


def nearest(x: Tensor, centres: Tensor) -> Tensor:
    """Return for each of the (n, D) rows the nearest of the (C, D) centres, an int64 place."""
    return _nearest(x, torch.zeros_like(centres[0], dtype=torch.float64), centres.double())


def _nearest(x: Tensor, mean: Tensor, centres: Tensor) -> Tensor:
    half = 0.5 * centres.square().sum(1)
    return torch.cat([(half - (rows - mean) @ centres.t()).argmin(1) for rows in _blocks(x)])


def _means(x: Tensor, mean: Tensor, clusters: Tensor, centres: Tensor) -> Tensor:
    """Return the means of the clusters; ``centres`` are those that the rows were nearest to."""
    # Products with the 0/1 matrix of members: sums by index are not deterministic on CUDA.
    members = zip(_blocks(x), torch.split(clusters, BLOCK), strict=True)
    sums = _sum(_one_hot(own, centres).t() @ (rows - mean) for rows, own in members)
    sizes = torch.bincount(clusters, minlength=len(centres)).double()
    empty = (sizes == 0).nonzero().flatten()
    if len(empty):
        pairs = zip(_blocks(x), torch.split(clusters, BLOCK), strict=True)
        distances = torch.cat([(rows - mean - centres[own]).square().sum(1) for rows, own in pairs])
        if float(distances.max()) > 0:  # else there are fewer different rows than clusters
            far = distances.topk(len(empty)).indices
            moved, leaving = x[far].double() - mean, _one_hot(clusters[far], centres).t()
            sums, sizes = sums - leaving @ moved, sizes - leaving.sum(1)
            sums[empty], sizes[empty] = moved, 1.0
    means = sums / sizes.clamp_min(1)[:, None]
    return torch.where(sizes[:, None] > 0, means, means[sizes.argmax()])  # one without rows joins the largest


def _one_hot(clusters: Tensor, centres: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(clusters, len(centres)).double()


def _blocks(x: Tensor) -> Iterator[Tensor]:
    return (rows.double() for rows in torch.split(x, BLOCK))


def _sum(parts: Iterator[Tensor]) -> Tensor:
    total = next(parts)
    for part in parts:
        total = total + part
    return total
