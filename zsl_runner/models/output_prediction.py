"""What trainers and evaluators may ask of models that predict structured outputs y from inputs x."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, TypeGuard

import torch
from torch import Tensor, nn

from zsl_runner.data.pairs.folds import PairShape
from zsl_runner.models.base import Model
from zsl_runner.models.network_conf import BlockConf, HiddenConf, OutputConf
from zsl_runner.models.networks import Gaussians, mlp
from zsl_runner.objectives.likelihood import (
    bernoulli_log_likelihood,
    categorical_log_likelihood,
    gaussian_log_likelihood,
)
from zsl_runner.objectives.multi_scale import coarse_targets, soft_cross_entropy
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams


class Condition(NamedTuple):
    """What a model has computed from its inputs alone; made once for any number of codes.

    Attributes:
        x: (B, ...) the inputs.
        guess: (B, ...) parameters of the deterministic prediction; None if the model makes none.
        scales: the same at coarser scales, for further terms of the loss; coarsest first.
    """

    x: Tensor
    guess: Tensor | None = None
    scales: tuple[Tensor, ...] = ()


class OutputPredictor(Model):
    """Capability ``predict_output``: a distribution of outputs for each input, given by its parameters.

    *Parameters* are what the likelihood is computed from: logits of Bernoulli variables, (..., B, *y); logits of
    categorical ones, (..., B, K, *y), the classes before the axes of an output; means of Gaussians, (..., B, *y).
    """

    @abstractmethod
    def condition(self, x: Tensor) -> Condition:
        """Return what follows from the inputs (B, ...) alone."""
        raise TypeError(f"{type(self).__name__} predicts nothing")

    @abstractmethod
    def predict(self, condition: Condition) -> Tensor:
        """Return the parameters of the deterministic prediction (with a code, if there is one, at its mean)."""
        raise TypeError(f"{type(self).__name__} predicts nothing")

    @abstractmethod
    def log_likelihood(self, parameters: Tensor, y: Tensor, valid: Tensor | None) -> Tensor:
        """Return log p(y) in nats, summed over the valid entries of each output.

        Args:
            parameters: (..., B, ...) as the class says.
            y: (B, ...) outputs.
            valid: which entries count; None for all.

        Returns:
            (..., B).
        """
        raise TypeError(f"{type(self).__name__} has no likelihood")

    @abstractmethod
    def mean_output(self, parameters: Tensor) -> Tensor:
        """Return the means of the outputs in the shape of the parameters: probabilities, or Gaussian means."""
        raise TypeError(f"{type(self).__name__} has no likelihood")

    def auxiliary_terms(self, condition: Condition, y: Tensor, valid: Tensor | None) -> dict[str, Tensor]:
        """Return further scalar terms of the loss (already weighted), e.g. of predictions at coarser scales."""
        return {}


class LatentOutputPredictor(OutputPredictor):
    """Capability ``latent_output``: p(y | x) is a mixture over codes z, p(y | x, z) p(z | x).

    Its parameter groups are ``generation`` (everything p(y | x) needs) and ``recognition``.

    Attributes:
        recognises: whether the recognition network is trained, so that estimates which use it mean something.
        stochastic: whether codes are drawn; False where training has each at its prior mean, so that the model is a
            deterministic one and nothing has learned how far codes spread.

    Neither is a part of ``state_dict``: the trainer sets them when it is built.
    """

    recognises: bool = True
    stochastic: bool = True

    @abstractmethod
    def prior(self, condition: Condition) -> Gaussians:
        """Return p(z | x)."""
        raise TypeError(f"{type(self).__name__} has no codes")

    @abstractmethod
    def posterior(self, x: Tensor, y: Tensor, valid: Tensor | None) -> Gaussians:
        """Return q(z | x, y), which sees the true output; entries that are not valid are as if absent."""
        raise TypeError(f"{type(self).__name__} has no codes")

    @abstractmethod
    def generate(self, condition: Condition, z: Tensor) -> Tensor:
        """Return the parameters (..., B, ...) of p(y | x, z) for codes (..., B, d)."""
        raise TypeError(f"{type(self).__name__} has no codes")


def draws_codes(model: OutputPredictor) -> TypeGuard[LatentOutputPredictor]:
    """Tell whether a model's predictions depend on codes that are drawn."""
    return isinstance(model, LatentOutputPredictor) and model.stochastic


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
