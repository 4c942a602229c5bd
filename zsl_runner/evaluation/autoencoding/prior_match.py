"""Metrics of how well codes match draws from their prior."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from zsl_runner.graphs.uncompiled import Adam
from zsl_runner.models.latent_priors import LatentPrior
from zsl_runner.models.networks import finite
from zsl_runner.objectives.two_sample import (
    kolmogorov_smirnov,
    mean_kernel,
    mmd_squared,
    permutation_p_value,
    random_divisions,
)
from zsl_runner.streams import Streams

CLASSIFIER_WIDTH = 64
CLASSIFIER_BATCH = 200
OF_SEVERAL = ("std_ratio", "correlation", "mmd", "mmd_null", "mmd_p", "c2st", "c2st_y")
"""Metrics that one code alone does not have; they are NaN."""


def moment_metrics(z: Tensor, prior: LatentPrior, draws: Tensor) -> dict[str, float]:
    """Compare moments and marginal distributions, each metric that of the worst dimension.

    Args:
        z: (n, d) codes.
        prior: whose moments are known.
        draws: (m, d) from it.

    Returns:
        ``mean_shift`` and ``std_ratio``: distances of mean and deviation from the prior's, in its deviations;
        ``correlation``: distance of a correlation of two dimensions from the prior's (0 in one dimension); ``ks``:
        Kolmogorov-Smirnov statistic. One code alone has neither deviation nor correlation: NaN.
    """
    mean, covariance = (moment.to(z.device) for moment in prior.moments())
    deviations = covariance.diagonal().sqrt()
    std_ratio = correlation = math.nan
    if len(z) > 1:
        own = z.T.cov().reshape(z.shape[1], z.shape[1])
        own_deviations = own.diagonal().sqrt()
        expected = covariance / torch.outer(deviations, deviations)
        found = own / torch.outer(own_deviations, own_deviations).clamp_min(1e-12)
        std_ratio = float((own_deviations / deviations - 1).abs().max())
        correlation = float((found - expected).abs().fill_diagonal_(0).max())
    return {
        "mean_shift": float(((z.mean(0) - mean).abs() / deviations).max()),
        "std_ratio": std_ratio,
        "correlation": correlation,
        "ks": float(kolmogorov_smirnov(z, draws).max()),
    }


def kernel_metrics(z: Tensor, draws: Tensor, permutations: int, generator: torch.Generator) -> dict[str, float]:
    """Return the squared maximum mean discrepancy ``mmd``, unbiased and so perhaps negative.

    With permutations also ``mmd_null``, what one random division of twenty exceeds, and ``mmd_p``, the p value. Of one
    code all are NaN.

    Args:
        z: (n, d) codes.
        draws: (m, d) from the prior.
        permutations: random divisions; 0 for none.
        generator: draws them.
    """
    if len(z) == 1:
        return dict.fromkeys(("mmd", "mmd_null", "mmd_p") if permutations else ("mmd",), math.nan)
    points = torch.cat([z, draws])
    kernel = mean_kernel(points)
    members = (torch.arange(len(points), device=z.device) < len(z))[:, None]
    observed = mmd_squared(kernel, members)[0]
    if not permutations:
        return {"mmd": float(observed)}
    permuted = mmd_squared(kernel, random_divisions(len(points), len(z), permutations, generator))
    return {
        "mmd": float(observed),
        "mmd_null": float(permuted.quantile(0.95)),
        "mmd_p": permutation_p_value(observed, permuted),
    }


def classifier_accuracy(one: Tensor, other: Tensor, epochs: int, streams: Streams, purpose: str) -> float:
    """Return how often, in per cent, a network tells two samples apart that has learned it on other halves of them.

    A classifier two-sample test: about 50 where both have one distribution. The halves are drawn at random: rows of a
    data set may stand in an order of their own, as MNIST's test images do, whose halves are of other writers. The
    network has two hidden layers of 64. One row has no halves: NaN.

    Args:
        one: (n, d).
        other: (n, d).
        epochs: passes over the training halves.
        streams: where initial weights and orders are drawn.
        purpose: name of the streams.

    Source: Lopez-Paz and Oquab 2017.
    """
    count, width, generator = min(len(one), len(other)), one.shape[1], streams[purpose]
    if count == 1:
        return math.nan
    drawn = (x[torch.randperm(len(x), generator=generator, device=x.device)[:count]] for x in (one, other))
    both = torch.cat(list(drawn))
    both = (both - both.mean(0)) / both.std(0).clamp_min(1e-6)
    inputs = torch.stack([both[:count], both[count:]], 1)  # pairs, so that both halves hold as many of each
    targets = torch.tensor([1.0, 0.0], device=one.device).expand(count, 2)
    half = count // 2
    with streams.initialising(purpose):
        network = nn.Sequential(
            nn.Linear(width, CLASSIFIER_WIDTH),
            nn.ReLU(),
            nn.Linear(CLASSIFIER_WIDTH, CLASSIFIER_WIDTH),
            nn.ReLU(),
            nn.Linear(CLASSIFIER_WIDTH, 1),
        ).to(one.device)
    parameters = list(network.parameters())
    optimiser = Adam(parameters, lr=3e-3, fused=True)
    with torch.enable_grad():
        for _ in range(epochs):
            order = torch.randperm(half, generator=generator, device=one.device)
            for rows in torch.split(order, CLASSIFIER_BATCH // 2):
                logits = network(inputs[rows].flatten(0, 1))[:, 0]
                loss = nn.functional.binary_cross_entropy_with_logits(logits, targets[rows].flatten())
                for parameter, gradient in zip(parameters, torch.autograd.grad(loss, parameters), strict=True):
                    parameter.grad = gradient
                optimiser.step()
    with torch.no_grad():
        logits = finite("logits of the two-sample classifier", network(inputs[half:].flatten(0, 1))[:, 0])
        right = (logits > 0) == (targets[half:].flatten() > 0.5)
    return 100 * float(right.float().mean())


def category_metrics(y: Tensor) -> dict[str, float]:
    """Return how nearly one-hot categorical codes are, and how evenly they use the categories.

    Args:
        y: (n, m) probabilities.

    Returns:
        ``confidence``: mean of the largest; ``entropy``: of the mean of all, in nats, at most ln m.
    """
    return {"confidence": float(y.amax(1).mean()), "entropy": float(torch.special.entr(y.mean(0)).sum())}


def part_metrics(z: Tensor, labels: Tensor, prior: LatentPrior) -> dict[str, float]:
    """Return metrics of a prior whose parts stand for classes, in per cent.

    Args:
        z: (n, 2) codes.
        labels: (n,) int64.
        prior: with parts.

    Returns:
        ``part_accuracy``: codes nearest to the part of their class; ``part_share_min``, ``part_share_max``: codes
        nearest to the least and to the most used part.
    """
    parts = prior.nearest_parts(z)
    shares = torch.bincount(parts, minlength=prior.parts).double() / len(parts)
    return {
        "part_accuracy": 100 * float((parts == labels).double().mean()),
        "part_share_min": 100 * float(shares.min()),
        "part_share_max": 100 * float(shares.max()),
    }
