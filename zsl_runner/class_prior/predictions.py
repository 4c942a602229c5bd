"""Class priors that follow from a classifier's predictions, and how far a class prior is from the true one."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.objectives.normalisation import sum_normalised


def prediction_prior(predictions: Tensor, classes: int) -> Tensor:
    """Return how often each class is predicted.

    Args:
        predictions: (n,) int64 in 0..classes-1, n >= 1.
        classes: number of classes C; one that is never predicted has share 0.

    Returns:
        (C,) float32, sum 1.
    """
    return torch.bincount(predictions, minlength=classes).float() / len(predictions)


def confusion_shares(labels: Tensor, votes: Tensor) -> Tensor:
    r"""Return the joint shares of predicted and true classes.

    $C_{pc} = \frac1n \sum_i v_{ip} [y_i = c]$

    Args:
        labels: (n,) int64 true classes in 0..C-1.
        votes: (n, C) each row a distribution over the classes: one-hot for hard predictions, else probabilities.

    Returns:
        (C, C) float64, sum 1; rows are predicted classes, columns true ones.
    """
    truth = torch.nn.functional.one_hot(labels, votes.shape[1]).double()
    return votes.double().t() @ truth / len(labels)


def label_shift_prior(confusion: Tensor, predicted: Tensor, source: Tensor, ridge: float) -> Tensor:
    r"""Return the target prior that explains the predictions on target rows: black-box shift estimation.

    If only the class frequencies differ between source and target, the share of predictions on target rows is
    $m = C w$ with $w_c = p_t(c) / p_s(c)$. Solved with a ridge,

    $w = (C^\top C + \lambda I)^{-1} C^\top m, \qquad p_t(c) \propto \max(w_c, 0)\, p_s(c)$

    A negative weight is a class with less than no evidence; it is set to 0, and the rest renormalised.

    Args:
        confusion: (C, C) joint shares of predicted (rows) and true (columns) classes on labelled source rows.
        predicted: (C,) shares of the predicted classes on target rows.
        source: (C,) class frequencies of the source rows.
        ridge: lambda; the published choice is 1 / min(number of source rows, number of target rows).

    Returns:
        (C,) float32, non-negative, sum 1; NaN if no weight is positive.

    Source: Lipton, Wang, Smola (ICML 2018), arXiv 1802.03916; the ridge is that of Bi-VAEGAN's code.
    """
    confusion = confusion.double()
    gram = confusion.t() @ confusion + ridge * torch.eye(len(confusion), dtype=torch.float64, device=confusion.device)
    ratio: Tensor = torch.linalg.solve(gram, confusion.t() @ predicted.double())
    shares = ratio.clamp_min(0) * source.double()
    return sum_normalised(shares, 0).float()


def prior_error(estimate: Tensor, truth: Tensor) -> dict[str, float]:
    r"""Return the L1 distance and the divergence from the truth.

    $L_1 = \sum_c |p_c - q_c|$ in [0, 2], $\mathrm{KL} = \sum_c q_c \log (q_c / p_c)$ in nats, for an estimate p of the
    truth q; the divergence is infinite if a class that occurs has estimated share 0.

    Args:
        estimate: (C,) distribution.
        truth: (C,) distribution.

    Returns:
        ``l1`` and ``kl``.
    """
    p, q = estimate.double(), truth.double()
    occurs = q > 0
    return {"l1": float((p - q).abs().sum()), "kl": float((q[occurs] * (q[occurs] / p[occurs]).log()).sum())}
