"""Class prior as sizes of clusters that start at the classes' own centres."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from zsl_runner.class_prior.lloyd import lloyd_clusters, nearest
from zsl_runner.objectives.normalisation import sum_normalised

BLOCK = 1024


def class_means(x: Tensor, predictions: Tensor, fallback: Tensor) -> Tensor:
    """Return the mean of the rows predicted as each class; a class without any takes its row of ``fallback``.

    Args:
        x: (n, D) rows.
        predictions: (n,) int64 classes in 0..C-1.
        fallback: (C, D) float32, e.g. means of generated rows.

    Returns:
        (C, D) float32.
    """
    # A product with the 0/1 matrix of members: index_add_ is slower, and on CUDA not deterministic.
    sums = torch.zeros_like(fallback)
    for rows, classes in zip(torch.split(x, BLOCK), torch.split(predictions, BLOCK), strict=True):
        members = torch.nn.functional.one_hot(classes, len(fallback)).float()
        sums.addmm_(members.t(), rows.float())
    counts = torch.bincount(predictions, minlength=len(fallback)).float()[:, None]
    return torch.where(counts > 0, sums / counts.clamp_min(1), fallback)


def cluster_prior(x: Tensor, centres: Tensor) -> Tensor:
    """Return the shares of the rows in the clusters that K-means makes from the given centres.

    Cluster c stays attached to class c: the iterations start at ``centres``, and no matching follows. So centres in
    another order give the prior in that order. A class whose centre is nearest to no row at the start has share 0. The
    clusters are scikit-learn's (Lloyd, one start, its own stopping rule); rows on another device than the CPU stay
    there, see `zsl_runner.class_prior.lloyd`.

    Args:
        x: (n, D) rows, n >= 1; in a narrow type they are widened to float32.
        centres: (C, D) one for each class.

    Returns:
        (C,) float32, non-negative, sum 1.

    Source: Bi-VAEGAN (Wang et al. 2023), class prior estimation; the released code uses the same library.
    """
    # An empty cluster would move to far-off rows of other classes: such a class takes no part.
    taken, clusters = (clusters_by_scikit_learn if x.device.type == "cpu" else clusters_on_device)(x, centres)
    sizes = torch.zeros(len(centres), device=centres.device)
    sizes[taken] = torch.bincount(clusters, minlength=len(taken)).float()
    return sum_normalised(sizes, 0)


def clusters_on_device(x: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Return the classes that take part, and for each row its place among them; see `cluster_prior`."""
    taken = torch.unique(nearest(x, centres))
    return taken, lloyd_clusters(x, centres[taken])


def clusters_by_scikit_learn(x: Tensor, centres: Tensor) -> tuple[Tensor, Tensor]:
    """Return the same for tensors on the CPU, computed on one thread: more of them may change the last bits."""
    from sklearn.cluster import KMeans
    from sklearn.metrics import pairwise_distances_argmin
    from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

    rows, starts = x.float().numpy(), centres.float().numpy()
    with threadpool_limits(limits=1):
        taken = np.unique(pairwise_distances_argmin(rows, starts))
        clusters = KMeans(len(taken), init=starts[taken], n_init=1).fit(rows)
    return torch.from_numpy(taken), torch.from_numpy(clusters.labels_).long()
