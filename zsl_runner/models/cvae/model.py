r"""The conditional variational autoencoder (Sohn, Lee and Yan, NeurIPS 2015) with multilayer perceptrons.

An output y is predicted from an input x through a latent code z:

.. math:: p(y | x) = \int p(y | x, z)\, p(z | x)\, dz, \qquad q(z | x, y) \approx p(z | x, y)

With ``recurrent`` a deterministic network first guesses the output. The guess enters the *prior* network, and its
logits are added to those of the generation network; the recognition network sees the true output instead. Of zero-shot
data the class vector is the input and a feature row the output, so the model draws features of unseen classes; of
images of classes the label is the input, and the model draws images of a class.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zsl_runner.data.pairs.folds import PairShape
from zsl_runner.models.base import FeatureGenerator
from zsl_runner.models.cvae.conf import CVAEConf
from zsl_runner.models.network_conf import OutputConf
from zsl_runner.models.networks import Gaussians, code_log_variance, evaluating, initialise_glorot, prior_log_variance
from zsl_runner.models.output_prediction import (
    Condition,
    LatentOutputPredictor,
    OutputDistribution,
    perceptron,
    widths_of,
)
from zsl_runner.objectives.gaussian import reparameterise
from zsl_runner.objectives.precision import at_least_fp32
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


class CVAE(LatentOutputPredictor, FeatureGenerator):
    """Networks ``recognition``, ``generation``, perhaps ``prior_network`` and ``guess``.

    Args:
        conf: sizes and switches.
        shape: sizes of inputs and outputs.
        streams: ``init`` for the weights, ``dropout`` for its masks.
    """

    def __init__(self, conf: CVAEConf, shape: PairShape, streams: Streams) -> None:
        super().__init__()
        self.conf = conf
        width = widths_of(shape)
        self.distribution = OutputDistribution(conf, width.unit_interval)
        with streams.initialising():
            self.recognition = perceptron([width.x + width.y, *conf.hidden, 2 * conf.latent_dim], conf, streams)
            self.generation = GenerationNetwork(
                conf.latent_dim, width.x if conf.gen_sees_x else 0, width.y, conf, streams
            )
            self.prior_network: nn.Module | None = None
            if conf.prior == "conditional":
                seen = width.x + (width.y if conf.recurrent else 0)
                self.prior_network = perceptron([seen, *conf.hidden, 2 * conf.latent_dim], conf, streams)
            self.guess: nn.Module | None = None
            if conf.recurrent:
                self.guess = perceptron([width.x, *conf.hidden, width.y], conf, streams)
            initialise_glorot(self)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return ``generation`` (all that p(y | x) needs) and ``recognition``."""
        recognition = list(self.recognition.parameters())
        own = {id(parameter) for parameter in recognition}
        return {
            "generation": [parameter for parameter in self.parameters() if id(parameter) not in own],
            "recognition": recognition,
        }

    def condition(self, x: Tensor) -> Condition:
        """Return the inputs and the guess's logits, if there is a guess."""
        return Condition(x, None if self.guess is None else at_least_fp32(self.guess(x)))

    def prior(self, condition: Condition) -> Gaussians:
        """Return p(z | x), of the input and the guess."""
        if self.prior_network is None:
            zeros = condition.x.new_zeros(len(condition.x), self.conf.latent_dim)
            return Gaussians(zeros, zeros[:1])
        seen = condition.x
        if condition.guess is not None:
            guess = self.distribution.mean(self.conf.guess_scale * condition.guess)
            seen = torch.cat([seen, guess.detach() if self.conf.detach_guess else guess], dim=1)
        mean, log_var = at_least_fp32(self.prior_network(seen)).chunk(2, dim=1)
        return Gaussians(mean, prior_log_variance(log_var))

    def posterior(self, x: Tensor, y: Tensor, valid: Tensor | None) -> Gaussians:
        """Return q(z | x, y); entries that are not valid are set to 0."""
        output = at_least_fp32(self.recognition(torch.cat([x, y if valid is None else y * valid], dim=1)))
        mean, log_var = output.chunk(2, dim=1)
        return Gaussians(mean, code_log_variance(log_var))

    def generate(self, condition: Condition, z: Tensor) -> Tensor:
        """Return the (..., B, Y) parameters of p(y | x, z)."""
        parameters = at_least_fp32(self.generation(z, condition.x))
        if condition.guess is not None and self.conf.add_guess:
            parameters = parameters + condition.guess
        return parameters

    def predict(self, condition: Condition) -> Tensor:
        """Return the (B, Y) parameters with the code at its prior mean."""
        return self.generate(condition, self.prior(condition).mean)

    def log_likelihood(self, parameters: Tensor, y: Tensor, valid: Tensor | None) -> Tensor:
        """Return the (..., B) log-likelihoods."""
        return self.distribution.log_likelihood(parameters, y, valid)

    def mean_output(self, parameters: Tensor) -> Tensor:
        """Return the means of the outputs."""
        return self.distribution.mean(parameters)

    def auxiliary_terms(self, condition: Condition, y: Tensor, valid: Tensor | None) -> dict[str, Tensor]:
        """Return ``guess``, the guess's own negative log-likelihood, if it has a weight."""
        if condition.guess is None or not self.conf.guess_weight:
            return {}
        likelihood = self.distribution.log_likelihood(condition.guess, y, valid)
        return {"guess": -self.conf.guess_weight * likelihood.mean()}

    @torch.no_grad()
    def synthesize(self, class_vectors: Tensor, streams: Streams) -> Tensor:
        """Return mean features (n, D) of codes drawn from the priors of class vectors (n, A), or at their means."""
        with evaluating(self):
            condition = self.condition(class_vectors)
            prior = self.prior(condition)
            if not self.stochastic:
                return self.mean_output(self.generate(condition, prior.mean))
            noise = torch.randn(prior.mean.shape, generator=streams["generate"], device=prior.mean.device)
            return self.mean_output(self.generate(condition, reparameterise(*prior, noise)))
