"""Deterministic networks as baselines: p(y | x) with independent entries of y, of numbers or of labels of pixels."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from zsl_runner.data.pairs.folds import PairShape
from zsl_runner.models.baselines.conf import BaselineCNNConf, BaselineNNConf
from zsl_runner.models.networks import initialise_glorot
from zsl_runner.models.output_prediction import (
    Condition,
    LabelPredictor,
    OutputDistribution,
    OutputPredictor,
    perceptron,
    widths_of,
)
from zsl_runner.models.segmentation_networks import LabelCNN, label_classes
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams


class BaselineNN(OutputPredictor):
    """One multilayer perceptron.

    Args:
        conf: sizes.
        shape: sizes of inputs and outputs.
        streams: ``init`` for the weights, ``dropout`` for its masks.
    """

    def __init__(self, conf: BaselineNNConf, shape: PairShape, streams: Streams) -> None:
        super().__init__()
        width = widths_of(shape)
        self.distribution = OutputDistribution(conf, width.unit_interval)
        with streams.initialising():
            self.network = perceptron([width.x, *conf.hidden, width.y], conf, streams)
            initialise_glorot(self)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return ``generation``, all that p(y | x) needs."""
        return {"generation": list(self.parameters())}

    def condition(self, x: Tensor) -> Condition:
        """Return the inputs and the predicted logits."""
        return Condition(x, at_least_fp32(self.network(x)))

    def predict(self, condition: Condition) -> Tensor:
        """Return the (B, Y) parameters of p(y | x)."""
        assert condition.guess is not None
        return condition.guess

    def log_likelihood(self, parameters: Tensor, y: Tensor, valid: Tensor | None) -> Tensor:
        """Return the (B,) log-likelihoods."""
        return self.distribution.log_likelihood(parameters, y, valid)

    def mean_output(self, parameters: Tensor) -> Tensor:
        """Return the means of the outputs."""
        return self.distribution.mean(parameters)


class BaselineCNN(LabelPredictor):
    """p(y | x), pixels independent.

    Args:
        conf: the model's options.
        shape: sizes of images and label maps.
        streams: the model's generators; ``init`` for the weights.
    """

    def __init__(self, conf: BaselineCNNConf, shape: PairShape, streams: Streams) -> None:
        super().__init__()
        classes = label_classes(shape, conf.cnn.contracting.reduction())
        with streams.initialising():
            self.cnn = LabelCNN(shape.x[0], classes, conf.cnn, conf.multi_scale)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return ``generation``: the whole network."""
        return {"generation": list(self.parameters())}

    def condition(self, x: Tensor) -> Condition:
        """Return the network's logits, at all its scales."""
        return Condition(x, *self.cnn(x))

    def predict(self, condition: Condition) -> Tensor:
        """Return the logits at full scale."""
        assert condition.guess is not None
        return condition.guess
