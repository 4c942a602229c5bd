"""What codes know of the class: errors of categories and clusters, and a linear classifier of z."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.classifiers.conf import Schedule
from zsl_runner.classifiers.softmax import fit_softmax
from zsl_runner.evaluation.autoencoding.encoding import Encoded
from zsl_runner.evaluation.cluster_mapping import (
    contingency,
    exemplar_mapping,
    hungarian_mapping,
    majority_mapping,
    mapped_accuracy,
)

PROBE = Schedule(epochs=20, lr=1e-2, batch_size=100, betas=(0.9, 0.999), init_std=0.0)


def cluster_errors(fitted_on: Encoded, scored: Encoded, classes: int) -> dict[str, float]:
    """Return the errors in per cent of clusters that stand for classes.

    Args:
        fitted_on: codes of images whose labels say what each cluster stands for.
        scored: codes of the evaluated images.
        classes: number K of classes.

    Returns:
        ``error_exemplar``: a cluster has the label of the image that belongs to it most surely (the paper);
        ``error_majority``: its most frequent label; ``error_hungarian``: clusters and classes one to one, so that
        clusters beyond K are wrong.
    """
    assert fitted_on.y is not None
    assert scored.y is not None
    counts = contingency(fitted_on.y.argmax(1), fitted_on.labels, fitted_on.y.shape[1], classes)
    mappings = {
        "error_exemplar": exemplar_mapping(fitted_on.y, fitted_on.labels),
        "error_majority": majority_mapping(counts),
        "error_hungarian": hungarian_mapping(counts),
    }
    clusters = scored.y.argmax(1)
    return {name: 100 * (1 - mapped_accuracy(clusters, scored.labels, m)) for name, m in mappings.items()}


def label_from_z(fitted_on: Encoded, scored: Encoded, classes: int, generator: torch.Generator) -> float:
    """Return the accuracy in per cent of a logistic regression from z to the label; chance if z is style alone.

    Args:
        fitted_on: codes it learns from.
        scored: codes of the evaluated images.
        classes: number K of classes.
        generator: draws the order of its steps.
    """
    mean, deviation = fitted_on.z.mean(0), fitted_on.z.std(0).clamp_min(1e-6)

    def scaled(z: Tensor) -> Tensor:
        return (z - mean) / deviation

    probe = fit_softmax(scaled(fitted_on.z), fitted_on.labels, classes, PROBE, generator)
    return 100 * float((probe.predict(scaled(scored.z)) == scored.labels).float().mean())
