"""What predictors of outputs share that are multilayer perceptrons: sizes, networks, distributions of outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zsl_runner.data.pairs.folds import PairShape
from zsl_runner.models.network_conf import BlockConf, HiddenConf
from zsl_runner.models.networks import mlp
from zsl_runner.models.output_conf import OutputConf
from zsl_runner.objectives.likelihood import bernoulli_log_likelihood, gaussian_log_likelihood
from zsl_runner.streams import Streams


class Widths(NamedTuple):
    """Sizes of one input and one output.

    Attributes:
        x: entries of an input: pixels, or attributes of a class.
        y: entries of an output: pixels, or features.
        unit_interval: whether outputs are known to lie in [0, 1].
    """

    x: int
    y: int
    unit_interval: bool


def widths_of(shape: PairShape) -> Widths:
    """Return the sizes of inputs and outputs."""
    return Widths(_entries(shape.x), _entries(shape.y), shape.unit_interval)


def _entries(shape: Sequence[int]) -> int:
    return int(torch.Size(shape).numel())


def perceptron(widths: Sequence[int], conf: OutputConf, streams: Streams) -> nn.Sequential:
    """Build linear maps with ReLU, and dropout if asked for, between them."""
    return mlp(widths, HiddenConf(dropout=conf.dropout, batch_norm=False), BlockConf(slope=0.0), streams)


class OutputDistribution:
    """Independent entries of an output, Bernoulli or Gaussian.

    Args:
        conf: the kind of likelihood and, of Gaussians, the deviation.
        unit_interval: whether outputs are known to lie in [0, 1], which decides ``auto``.
    """

    def __init__(self, conf: OutputConf, unit_interval: bool) -> None:
        self.bernoulli = conf.likelihood == "bernoulli" or (conf.likelihood == "auto" and unit_interval)
        self.deviation = conf.deviation

    def log_likelihood(self, parameters: Tensor, y: Tensor, valid: Tensor | None) -> Tensor:
        """Return the (..., B) log-likelihoods in nats."""
        if self.bernoulli:
            return bernoulli_log_likelihood(parameters, y, valid)
        return gaussian_log_likelihood(parameters, y, valid, deviation=self.deviation)

    def mean(self, parameters: Tensor) -> Tensor:
        """Return the means of the entries."""
        return parameters.sigmoid() if self.bernoulli else parameters
