"""The variational autoencoder SGAL and VZSL share: a latent prior of one Gaussian for each class.

The encoder sees the features only and the decoder the code only; labels enter through the prior. That is what makes
classification possible: a row belongs to the class whose prior its code fits best.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn

from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.errors import ConfigError
from zsl_runner.graphs.uncompiled import uncompiled
from zsl_runner.models.base import ConditionalGenerator, GenerationOptions
from zsl_runner.models.network_conf import GaussianPriorConf
from zsl_runner.models.networks import (
    Dropout,
    Gaussians,
    code_log_variance,
    dropout_on,
    evaluating,
    initialise_glorot,
    mlp,
)
from zsl_runner.objectives.gaussian import (
    kl_divergence,
    kl_matrix,
    log_density_matrix,
    reparameterise,
    squared_distances,
    squared_error,
    weighted_mean,
)
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams


class CodedBatch(NamedTuple):
    """A batch and the Gaussians of its codes: all that a margin may depend on.

    Attributes:
        posterior: q(z | x) of the B rows.
        prior: p(z | a) of their classes.
        labels: (B,) global class ids.
        class_vectors: (K, A) vectors of all classes, indexed by label.
        classes_with_rows: (L,) global ids of the classes that rows of such a batch may be of.
        row_weights: (B,) weights of mean 1; None weighs all rows alike.
    """

    posterior: Gaussians
    prior: Gaussians
    labels: Tensor
    class_vectors: Tensor
    classes_with_rows: Tensor
    row_weights: Tensor | None = None


class GaussianPriorVAE(ConditionalGenerator):
    """Encoder, decoder and prior; a subclass gives the prior network and its margin term.

    Args:
        conf: sizes, weights and the classification rule.
        shape: widths of features and class vectors.
        streams: ``init`` for the weights, ``noise`` for latent samples in the loss, ``dropout`` for its masks.
    """

    prior_network: nn.Module

    def __init__(self, conf: GaussianPriorConf, shape: ZeroShotShape, streams: Streams) -> None:
        super().__init__()
        self.conf = conf
        self.streams = streams
        with streams.initialising():
            encoder_widths = [shape.features, *conf.encoder.hidden, 2 * conf.latent_dim]
            self.encoder = mlp(encoder_widths, conf.encoder, conf.blocks, streams)
            decoder_widths = [conf.latent_dim, *conf.decoder.hidden, shape.features]
            self.decoder = mlp(decoder_widths, conf.decoder, conf.blocks, streams)
            self.prior_network = self.build_prior(shape)
            self.initialise()

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return ``autoencoder`` (encoder and decoder) and ``prior``."""
        autoencoder = [*self.encoder.parameters(), *self.decoder.parameters()]
        return {"autoencoder": autoencoder, "prior": list(self.prior_network.parameters())}

    def build_prior(self, shape: ZeroShotShape) -> nn.Module:
        """Return the network from class vectors (n, A) to a pair of prior means and, bounded, log-variances."""
        raise TypeError(f"{type(self).__name__} has no prior network")

    def initialise(self) -> None:
        """Draw the initial weights from torch's generator, which the constructor has seeded."""
        initialise_glorot(self)

    def encode(self, x: Tensor) -> Gaussians:
        """Return q(z | x) of features (B, D)."""
        mean, log_var = at_least_fp32(self.encoder(x)).chunk(2, dim=1)
        return Gaussians(mean, code_log_variance(log_var))

    def decode(self, z: Tensor) -> Tensor:
        """Return the (B, D) means of p(x | z) of codes (B, d)."""
        decoded: Tensor = self.decoder(z)
        return decoded

    def prior(self, class_vectors: Tensor) -> Gaussians:
        """Return p(z | a) of class vectors (n, A)."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.prior_is_fixed):
            mean, log_var = self.prior_network(class_vectors)
        return Gaussians(at_least_fp32(mean), at_least_fp32(log_var))

    def code_of(self, codes: Gaussians, noise: Tensor) -> Tensor:
        """Return the (n, d) codes that standard normal ``noise`` (n, d) stands for."""
        return reparameterise(*codes, noise)

    def margin_terms(self, batch: CodedBatch) -> dict[str, Tensor]:
        """Return the model's regularising terms of a batch."""
        raise TypeError(f"{type(self).__name__} has no margin")

    def loss_terms(
        self,
        x: Tensor,
        labels: Tensor,
        class_vectors: Tensor,
        classes_with_rows: Tensor,
        row_weights: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return the negative bound's two terms, one latent sample for each row, and the margin."""
        posterior = self.encode(x)
        prior = self.prior(class_vectors[labels])
        terms = {}
        if self.conf.reconstruction_weight:
            terms["reconstruction"] = self._reconstruction(x, posterior, row_weights)
        if self.conf.kl_weight:
            terms["kl"] = self.conf.kl_weight * weighted_mean(kl_divergence(*posterior, *prior), row_weights)
        batch = CodedBatch(posterior, prior, labels, class_vectors, classes_with_rows, row_weights)
        return terms | self.margin_terms(batch)

    def _reconstruction(self, x: Tensor, posterior: Gaussians, row_weights: Tensor | None = None) -> Tensor:
        z = self.code_of(posterior, self.noise(posterior.mean))
        return self.conf.reconstruction_weight * squared_error(x, self.decode(z), row_weights)

    @uncompiled
    def noise(self, like: Tensor) -> Tensor:
        """Return standard normal numbers of the shape of ``like`` for a code in the loss."""
        return normal(like, self.streams["noise"])

    @torch.no_grad()
    def synthesize(self, class_vectors: Tensor, streams: Streams, options: GenerationOptions | None = None) -> Tensor:
        """Return decoded samples of the class priors; batch norm's running statistics are neither left nor moved."""
        options = options or GenerationOptions()
        generator = streams["generate"]
        with dropout_on(self.prior_network, generator) if options.prior_dropout else evaluating(self.prior_network):
            prior = self.prior(class_vectors)
        z = self.code_of(prior, normal(prior.mean, generator)).repeat(options.copies, 1)
        with dropout_on(self.decoder, generator) if options.decoder_dropout else evaluating(self.decoder):
            x = self.decode(z)
        return x + options.noise * normal(x, generator) if options.noise else x

    def class_scores(self, x: Tensor, class_vectors: Tensor) -> Tensor:
        """Return (B, C) scores under ``conf.rule``.

        ``nearest_prior_mean``: minus the squared distance of the encoder's mean from each prior mean, in nats if all
        variances are 1/2; ``density``: log p(z = mean | a); ``kl``: minus KL(q(z | x) || p(z | a)). With one variance
        shared by all classes the three agree on the winner.
        """
        posterior, prior = self.encode(x), self.prior(class_vectors)
        if self.conf.rule == "nearest_prior_mean":
            return -squared_distances(posterior.mean, prior.mean, torch.ones_like(prior.mean[:1]))
        if self.conf.rule == "density":
            return log_density_matrix(posterior.mean, *prior)
        return -kl_matrix(*posterior, *prior)

    def fix_prior(self) -> None:
        """Put the prior network in evaluation mode and cut its gradient until the next ``train()``."""
        self.prior_network.eval()

    @property
    def prior_is_fixed(self) -> bool:
        """Whether the other networks learn while the prior does not."""
        return self.training and not self.prior_network.training

    def set_prior_dropout(self, rate: float) -> None:
        """Change the rate of every dropout in the prior network."""
        dropouts = [part for part in self.prior_network.modules() if isinstance(part, Dropout)]
        if rate and not dropouts:
            raise ConfigError(
                f"prior dropout: expected 0 for a prior network without hidden layers, found {rate:g}; "
                "give the prior network hidden layers or set the rate to 0"
            )
        for part in dropouts:
            part.rate = rate


def normal(like: Tensor, generator: torch.Generator) -> Tensor:
    """Return standard normal numbers of the shape and kind of ``like``."""
    return torch.randn(like.shape, generator=generator, dtype=like.dtype, device=like.device)
