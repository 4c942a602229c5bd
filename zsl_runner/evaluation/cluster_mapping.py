"""Which class each cluster stands for, and how often that is right.

A mapping is fitted on rows whose labels may be used for it and scored on other rows: on the rows it was fitted on it
scores too well, the more so the more clusters there are.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from zsl_runner.objectives.softmax import log_odds

UNMAPPED: Final = -1


def contingency(clusters: Tensor, labels: Tensor, cluster_count: int, class_count: int) -> Tensor:
    """Count the rows of each cluster and class.

    Args:
        clusters: (n,) int64 in 0..K-1.
        labels: (n,) int64 in 0..C-1.
        cluster_count: K.
        class_count: C.

    Returns:
        (K, C) int64.

    >>> contingency(torch.tensor([0, 1, 1]), torch.tensor([1, 0, 1]), 2, 2)
    tensor([[0, 1],
            [1, 1]])
    """
    counts = torch.bincount(clusters * class_count + labels, minlength=cluster_count * class_count)
    return counts.reshape(cluster_count, class_count)


def majority_mapping(counts: Tensor) -> Tensor:
    """Map each cluster to its most frequent class, the first of several; an empty cluster to `UNMAPPED`.

    Several clusters may stand for one class, so a finer clustering never looks worse.

    Args:
        counts: (K, C) rows of each cluster and class.

    Returns:
        (K,) int64.

    >>> majority_mapping(torch.tensor([[3, 1], [0, 0]]))
    tensor([ 0, -1])
    """
    return torch.where(counts.sum(1) > 0, counts.argmax(1), UNMAPPED)


def hungarian_mapping(counts: Tensor) -> Tensor:
    """Map clusters to classes one to one so that most rows are right; clusters left over to `UNMAPPED`.

    Args:
        counts: (K, C) rows of each cluster and class.

    Returns:
        (K,) int64; with K <= C each is another class.

    Source: the assignment problem (Kuhn 1955), as solved by SciPy.

    >>> hungarian_mapping(torch.tensor([[5, 4], [5, 1]]))
    tensor([1, 0])
    """
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(counts.cpu().numpy(), maximize=True)
    mapping = torch.full((len(counts),), UNMAPPED, dtype=torch.int64)
    mapping[torch.from_numpy(rows)] = torch.from_numpy(columns)
    return mapping.to(counts.device)


def exemplar_mapping(logits: Tensor, labels: Tensor) -> Tensor:
    r"""Map each cluster to the label of the one row that belongs to it most surely.

    .. math:: m(k) = y_{n(k)}, \qquad n(k) = \arg\max_n q(k | x_n)

    Rows are compared by their log-odds: the probabilities of sure rows round to 1 and no longer differ.

    Args:
        logits: (n, K) of each row's membership.
        labels: (n,) int64.

    Returns:
        (K,) int64.

    Source: Makhzani et al. 2015, "Adversarial Autoencoders", the clustering experiment.

    >>> exemplar_mapping(torch.tensor([[30.0, 0.0], [40.0, 0.0]]), torch.tensor([7, 3]))
    tensor([3, 7])
    """
    return labels[log_odds(logits).argmax(0)]


def mapped_accuracy(clusters: Tensor, labels: Tensor, mapping: Tensor) -> float:
    """Return the share of rows in 0..1 whose cluster is mapped to their label; a row of no mapped cluster is wrong.

    Args:
        clusters: (n,) int64 in 0..K-1, n >= 1.
        labels: (n,) int64.
        mapping: (K,) the class of each cluster.

    >>> mapped_accuracy(torch.tensor([0, 1, 1, 2]), torch.tensor([4, 5, 4, 0]), torch.tensor([4, 5, -1]))
    0.5
    """
    return (mapping[clusters] == labels).double().mean().item()
