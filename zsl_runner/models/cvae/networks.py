"""Networks of the conditional autoencoder and its baseline, and the distributions of their outputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zsl_runner.data.pairs import PairShape
from zsl_runner.data.shape import DataShape
from zsl_runner.models.cvae.options import OutputConf
from zsl_runner.models.network_conf import BlockConf, HiddenConf
from zsl_runner.models.networks import mlp
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


def widths_of(shape: PairShape | DataShape) -> Widths:
    """Return the sizes: of pairs their own; of zero-shot data a class vector is the input, its features the output."""
    if isinstance(shape, DataShape):
        return Widths(shape.class_vector, shape.features, False)
    return Widths(_entries(shape.x), _entries(shape.y), shape.unit_interval)


def _entries(shape: Sequence[int]) -> int:
    return int(torch.Size(shape).numel())


def perceptron(widths: Sequence[int], conf: OutputConf, streams: Streams) -> nn.Sequential:
    """Build linear maps with ReLU, and dropout if asked for, between them."""
    return mlp(widths, HiddenConf(dropout=conf.dropout, batch_norm=False), BlockConf(slope=0.0), streams)


class GenerationNetwork(nn.Module):
    """From codes, and inputs if it sees them, to the parameters of outputs.

    The part of the first layer that belongs to the input is computed once for any number of codes.

    Args:
        code: width d of a code.
        condition: width of an input; 0 if the network does not see it.
        outputs: entries of an output.
        conf: hidden widths and dropout.
        streams: where dropout draws.
    """

    def __init__(self, code: int, condition: int, outputs: int, conf: OutputConf, streams: Streams) -> None:
        super().__init__()
        first = conf.hidden[0] if conf.hidden else outputs
        self.of_code = nn.Linear(code, first)
        self.of_condition = nn.Linear(condition, first, bias=False) if condition else None
        # What follows the first linear map of a perceptron; its own input layer is taken off.
        self.rest = perceptron([first, *conf.hidden, outputs], conf, streams)[1:] if conf.hidden else nn.Identity()

    def forward(self, z: Tensor, x: Tensor) -> Tensor:
        """Return parameters (..., B, outputs) for codes (..., B, d) and inputs (B, X)."""
        first = self.of_code(z)
        if self.of_condition is not None:
            first = first + self.of_condition(x)
        parameters: Tensor = self.rest(first)
        return parameters


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
