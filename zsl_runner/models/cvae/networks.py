"""The generation network of the conditional autoencoder."""

from __future__ import annotations

from torch import Tensor, nn

from zsl_runner.models.output_conf import OutputConf
from zsl_runner.models.output_networks import perceptron
from zsl_runner.streams import Streams


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
