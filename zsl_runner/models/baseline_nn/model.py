"""A deterministic network as baseline: p(y | x) with independent entries of y."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from zsl_runner.data.pairs.folds import PairShape
from zsl_runner.models.baseline_nn.conf import BaselineNNConf
from zsl_runner.models.networks import at_least_fp32, initialise_glorot
from zsl_runner.models.output_networks import OutputDistribution, perceptron, widths_of
from zsl_runner.models.output_prediction import Condition, OutputPredictor
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
