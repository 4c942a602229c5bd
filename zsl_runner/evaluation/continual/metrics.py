r"""Metrics of accuracies on tasks after tasks, as pure functions.

A matrix holds at (k, j) the accuracy $a_{k,j}$ in per cent on task j after training on task k, j <= k; what lies above
the diagonal is not looked at. Rows are counted from 0 here and from 1 in the formulas; T is the number of rows.

Sources: Lopez-Paz and Ranzato 2017 (backward transfer), Chaudhry et al. 2018 (forgetting, intransigence), Masana et al.
2022 (FACIL, average and average incremental accuracy).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating[Any]]


def average_accuracy(matrix: Matrix) -> float:
    r"""Return $A_T = \frac1T \sum_j a_{T,j}$, the mean over tasks after the last.

    >>> average_accuracy(np.array([[90.0, np.nan], [50.0, 80.0]]))
    65.0
    """
    return float(matrix[-1, : len(matrix)].mean())


def average_incremental_accuracy(matrix: Matrix) -> float:
    r"""Return $\frac1T \sum_k A_k$, the mean of the average accuracies after each task.

    >>> average_incremental_accuracy(np.array([[90.0, np.nan], [50.0, 80.0]]))
    77.5
    """
    return float(np.mean([matrix[k, : k + 1].mean() for k in range(len(matrix))]))


def forgetting_of_tasks(matrix: Matrix) -> Matrix:
    r"""Return $f_j = \max_{k<T} a_{k,j} - a_{T,j}$ of each task j < T; negative for what is known better than ever.

    >>> forgetting_of_tasks(np.array([[90.0, np.nan, np.nan], [95.0, 80.0, np.nan], [50.0, 85.0, 70.0]])).tolist()
    [45.0, -5.0]
    """
    last = len(matrix) - 1
    return np.array([matrix[j:last, j].max() - matrix[last, j] for j in range(last)])


def forgetting(matrix: Matrix) -> float:
    r"""Return $\frac{1}{T-1} \sum_{j<T} f_j$, see `forgetting_of_tasks`; T is at least 2."""
    return float(forgetting_of_tasks(matrix).mean())


def backward_transfer(matrix: Matrix) -> float:
    r"""Return $\frac{1}{T-1} \sum_{j<T} (a_{T,j} - a_{j,j})$; T is at least 2.

    >>> backward_transfer(np.array([[90.0, np.nan, np.nan], [95.0, 80.0, np.nan], [50.0, 85.0, 70.0]]))
    -17.5
    """
    last = len(matrix) - 1
    return float(np.mean([matrix[last, j] - matrix[j, j] for j in range(last)]))


def plasticity(matrix: Matrix) -> float:
    r"""Return $\frac{1}{T-1} \sum_{k>1} a_{k,k}$, how well new tasks are learned; T is at least 2."""
    return float(np.diagonal(matrix)[1:].mean())


def stability(matrix: Matrix) -> float:
    r"""Return $\frac{1}{T-1} \sum_{j<T} a_{T,j}$, what is left of earlier tasks; T is at least 2."""
    return float(matrix[-1, : len(matrix) - 1].mean())


def intransigence(matrix: Matrix, plastic: Matrix) -> float:
    r"""Return $\frac{1}{T-1} \sum_{k>1} (p_k - a_{k,k})$; T is at least 2.

    Args:
        matrix: accuracies of the network.
        plastic: (T,) accuracies $p_k$ on task k of a network fine-tuned on it without anything that holds it.
    """
    return float((plastic[1:] - np.diagonal(matrix)[1:]).mean())


def summary(matrix: Matrix) -> dict[str, float]:
    """Return all metrics of a matrix that are defined, by name."""
    found = {"avg_acc": average_accuracy(matrix), "avg_inc_acc": average_incremental_accuracy(matrix)}
    if len(matrix) > 1:
        found |= {
            "forg": forgetting(matrix),
            "bwt": backward_transfer(matrix),
            "plasticity": plasticity(matrix),
            "stability": stability(matrix),
        }
    return found
