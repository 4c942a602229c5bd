"""What holds a network near another one: by its weights, by its logits, by its features."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy, log_softmax, normalize

from zsl_runner.objectives.precision import at_least_fp32


def quadratic_penalty(
    parameters: Iterable[Tensor], references: Iterable[Tensor], importances: Iterable[Tensor]
) -> Tensor:
    r"""Return the distance of weights from others, each weighed by its importance.

    .. math:: \tfrac12 \sum_i F_i \, (\theta_i - \theta^\ast_i)^2

    Args:
        parameters: theta, tensors of any shapes.
        references: theta*, of the same shapes; constants.
        importances: F >= 0, of the same shapes; constants.

    Returns:
        A scalar, without unit.

    Source: Kirkpatrick et al. 2017, equation 3 (EWC); Aljundi et al. 2018, equation 4 (MAS, without the half); Kim et
    al. 2023 (ANCL), which takes it a second time against the auxiliary network.

    >>> one = torch.tensor([1.0, 2.0])
    >>> quadratic_penalty([one], [torch.zeros(2)], [torch.tensor([1.0, 0.5])])
    tensor(1.5000)
    """
    triples = list(zip(parameters, references, importances, strict=True))
    penalty: Tensor = _WeighedSquares.apply(*itertools.chain(*triples))  # type: ignore[no-untyped-call]
    return penalty


class _WeighedSquares(torch.autograd.Function):
    """Half the sum of F d^2 over (theta, theta*, F), one tensor after the other.

    Half the passes over memory that its operations would take one by one, and one node of the graph for all tensors.
    """

    @staticmethod
    def forward(ctx: Any, *tensors: Tensor) -> Tensor:
        parameters, references, importances = tensors[::3], tensors[1::3], tensors[2::3]
        differences = torch._foreach_sub(parameters, references)
        pulls = torch._foreach_mul(importances, differences)
        ctx.save_for_backward(*pulls)
        pairs = zip(pulls, differences, strict=True)
        return torch.stack([torch.dot(pull.flatten(), difference.flatten()) for pull, difference in pairs]).sum() / 2

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        pulls = torch._foreach_mul(ctx.saved_tensors, gradients[0])
        return tuple(itertools.chain(*((pull, None, None) for pull in pulls)))


def settled_weight(weights: Iterable[float], importances: Iterable[Tensor], references: Iterable[Tensor]) -> Tensor:
    r"""Return where the sum of weighted quadratic penalties is smallest.

    .. math:: \theta = \frac{\sum_r \lambda_r F_r \theta_r}{\sum_r \lambda_r F_r}

    With two references, the old and the auxiliary network, it is the interpolation that ANCL speaks of.

    Args:
        weights: lambda_r > 0 of each reference.
        importances: F_r > 0, tensors of one shape.
        references: theta_r, of the same shape.

    Source: Kim et al. 2023; follows from the penalty's gradient.

    >>> settled_weight([1.0, 3.0], [torch.ones(1), torch.ones(1)], [torch.zeros(1), torch.ones(1)])
    tensor([0.7500])
    """
    pulls = [weight * importance for weight, importance in zip(weights, importances, strict=True)]
    centres = [pull * reference for pull, reference in zip(pulls, references, strict=True)]
    return torch.stack(centres).sum(0) / torch.stack(pulls).sum(0)


def distillation(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    r"""Return the cross-entropy of softened outputs.

    .. math:: -\frac1B \sum_b \sum_k \sigma(t_b / T)_k \, \log \sigma(s_b / T)_k

    It is not multiplied by T squared, so its gradient falls with T. A student may have more classes than the teacher:
    these share in its distribution, and the teacher's has none for them.

    Args:
        student: (B, K') logits s, K' at least K, the teacher's classes first.
        teacher: (B, K) logits t; constants.
        temperature: T > 0.

    Returns:
        A scalar in nats, the mean over rows; at least the teacher's entropy.

    Source: Li and Hoiem 2016 (LwF), equation 3; without the factor as in the code released with ANCL.
    """
    student, teacher = at_least_fp32(student), at_least_fp32(teacher)
    softened = (teacher / temperature).softmax(1)
    return -(softened * log_softmax(student / temperature, 1)[:, : teacher.shape[1]]).sum(1).mean()


def distillation_by_head(student: Tensor, teacher: Tensor, temperature: float, sizes: Iterable[int]) -> Tensor:
    """Return the sum of `distillation` over heads, each with a softmax of its own.

    Args:
        student: (B, K) logits of the heads side by side.
        teacher: (B, K) likewise.
        temperature: T > 0.
        sizes: classes of each head, K together.

    Source: Li and Hoiem 2016, where every old task has a loss of its own.
    """
    widths = list(sizes)
    pairs = zip(torch.split(student, widths, 1), torch.split(teacher, widths, 1), strict=True)
    return torch.stack([distillation(one, other, temperature) for one, other in pairs]).sum()


def binary_distillation(student: Tensor, teacher: Tensor) -> Tensor:
    r"""Return the cross-entropy of outputs taken one by one.

    .. math:: -\frac1B \sum_b \sum_k \big[ \sigma(t_{bk}) \log \sigma(s_{bk})
        + (1 - \sigma(t_{bk})) \log (1 - \sigma(s_{bk})) \big]

    with the logistic function sigma.

    Args:
        student: (B, K) logits s.
        teacher: (B, K) logits t; constants.

    Returns:
        A scalar in nats: the sum over outputs, the mean over rows.

    Source: Rebuffi et al. 2017 (iCaRL), algorithm 3.
    """
    student, teacher = at_least_fp32(student), at_least_fp32(teacher)
    return binary_cross_entropy_with_logits(student, teacher.sigmoid(), reduction="sum") / len(student)


def feature_distance(features: Tensor, references: Tensor) -> Tensor:
    r"""Return the squared distance of normalised features.

    .. math:: \frac1B \sum_b \| n(f_b) - n(f^\ast_b) \|^2, \qquad
        n(f) = \frac{f - \bar f}{\| f - \bar f \|}

    with the mean of a row's own entries.

    Args:
        features: (B, F).
        references: (B, F) f*; constants.

    Returns:
        A scalar in 0..4, the mean over rows. The code released with ANCL also divides by F, so that its weight 400, for
        64 features, is 6.25 here.

    Source: Jung et al. 2016 (LFL); the normalisation as in the code released with ANCL.

    >>> round(float(feature_distance(torch.tensor([[1.0, 2.0, 3.0]]), torch.tensor([[6.0, 4.0, 2.0]]))), 4)
    4.0
    """
    return (_direction(features) - _direction(references)).square().sum(1).mean()


def _direction(features: Tensor) -> Tensor:
    features = at_least_fp32(features)
    return normalize(features - features.mean(1, keepdim=True))


def task_cross_entropy(logits: Tensor, labels: Tensor, same_task: Tensor | None = None) -> Tensor:
    r"""Return the cross-entropy of classes, among all that have a logit or among those of a row's own task.

    .. math:: -\frac1B \sum_b \Big( s_{b y_b} - \log \sum_{k \in C_b} e^{s_{bk}} \Big)

    Args:
        logits: (B, K) s.
        labels: (B,) int64 y in 0..K-1.
        same_task: (B, K) whether class k is of the task of row b, which then is C_b; None for all K classes.

    Returns:
        A scalar in nats, the mean over rows.
    """
    if same_task is not None:
        logits = logits.masked_fill(~same_task, -torch.inf)
    return cross_entropy(logits, labels)
