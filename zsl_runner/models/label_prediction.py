"""What models share that predict a label for each pixel: the likelihood, and predictions at coarser scales."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.models.networks import at_least_fp32
from zsl_runner.models.output_prediction import Condition, OutputPredictor
from zsl_runner.objectives.likelihood import categorical_log_likelihood
from zsl_runner.objectives.multi_scale import coarse_targets, soft_cross_entropy

SCALES = (4, 2)


class LabelPredictor(OutputPredictor):
    """A categorical distribution for each pixel, independent given the parameters; these are logits (..., B, K, H, W).

    ``condition.scales`` holds logits at 1/4 and 1/2 scale if the model predicts there, too.
    """

    def log_likelihood(self, parameters: Tensor, y: Tensor, valid: Tensor | None) -> Tensor:
        """Return log p(y) in nats, summed over valid pixels; see `OutputPredictor.log_likelihood`."""
        return categorical_log_likelihood(parameters, y, valid)

    def mean_output(self, parameters: Tensor) -> Tensor:
        """Return the probabilities of the labels, (..., B, K, H, W)."""
        return torch.softmax(at_least_fp32(parameters), -3)

    def auxiliary_terms(self, condition: Condition, y: Tensor, valid: Tensor | None) -> dict[str, Tensor]:
        """Return the cross-entropies at coarser scales, means over the batch of sums over cells."""
        terms = {}
        for logits, factor in zip(condition.scales, SCALES, strict=False):
            targets, cells = coarse_targets(y, valid, logits.shape[1], factor)
            terms[f"scale_1_{factor}"] = soft_cross_entropy(logits, targets, cells).mean()
        return terms
