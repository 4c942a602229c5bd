"""CADA-VAE (Schönfeld et al., CVPR 2019, arXiv 1812.01784): features and class vectors share one latent space."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zsl_runner.data.zero_shot.folds import ZeroShotShape
from zsl_runner.models.cada_vae.conf import CADAVAEConf
from zsl_runner.models.gaussian_prior_vae import GaussianPriorVAE, normal
from zsl_runner.models.networks import Gaussians, code_log_variance, initialise_glorot, mlp
from zsl_runner.objectives.alignment import absolute_error, wasserstein_distance
from zsl_runner.objectives.gaussian import kl_divergence, reparameterise, squared_error, weighted_mean
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams

ERRORS = {"absolute": absolute_error, "squared": squared_error}


class ClassVectorEncoder(nn.Module):
    """From class vectors to Gaussians of codes, which are the priors of the classes."""

    def __init__(self, conf: CADAVAEConf, shape: ZeroShotShape, streams: Streams) -> None:
        super().__init__()
        widths = [shape.class_vector, *conf.class_encoder.hidden, 2 * conf.latent_dim]
        self.network = mlp(widths, conf.class_encoder, conf.blocks, streams)

    def forward(self, class_vectors: Tensor) -> tuple[Tensor, Tensor]:
        """Return means and log-variances, both (n, d), of class vectors (n, A)."""
        mean, log_var = at_least_fp32(self.network(class_vectors)).chunk(2, dim=1)
        return mean, code_log_variance(log_var)


class CADAVAE(GaussianPriorVAE):
    """Bounds on log p(x) and log p(a), each decoded from the other's code, and a distance between the codes.

    Terms: ``reconstruction``, ``kl``, ``cross``, ``alignment``. A final classifier reads codes: it is trained on drawn
    ones, of features and, for classes without rows, of class vectors, and sees the means of others.

    Args:
        conf: sizes, weights, and how codes are drawn.
        shape: widths of features and class vectors.
        streams: ``init`` and ``init_class_decoder`` for the weights, ``noise`` for codes in the loss, ``dropout`` for
            its masks.
    """

    conf: CADAVAEConf
    prior_network: ClassVectorEncoder

    def __init__(self, conf: CADAVAEConf, shape: ZeroShotShape, streams: Streams) -> None:
        super().__init__(conf, shape, streams)
        widths = [conf.latent_dim, *conf.class_decoder.hidden, shape.class_vector]
        with streams.initialising("init_class_decoder"):
            self.class_decoder = mlp(widths, conf.class_decoder, conf.blocks, streams)
            initialise_glorot(self.class_decoder, conf.init_gain)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return ``autoencoder`` (encoder and both decoders) and ``prior`` (the encoder of class vectors)."""
        groups = super().parameter_groups()
        return {**groups, "autoencoder": [*groups["autoencoder"], *self.class_decoder.parameters()]}

    def build_prior(self, shape: ZeroShotShape) -> ClassVectorEncoder:
        """Return the encoder of class vectors."""
        return ClassVectorEncoder(self.conf, shape, self.streams)

    def initialise(self) -> None:
        """Glorot weights times the configured gain."""
        initialise_glorot(self, self.conf.init_gain)

    def code_of(self, codes: Gaussians, noise: Tensor) -> Tensor:
        """Return the (n, d) codes that noise stands for; the released form uses its first column alone."""
        if self.conf.sampling == "released":
            return reparameterise(codes.mean, 2 * codes.log_var, noise[:, :1])
        return reparameterise(*codes, noise)

    def loss_terms(
        self,
        x: Tensor,
        labels: Tensor,
        class_vectors: Tensor,
        classes_with_rows: Tensor,
        row_weights: Tensor | None = None,
    ) -> dict[str, Tensor]:
        """Return the terms of rows and their class vectors, one code of each for a row."""
        conf = self.conf
        vectors = class_vectors[labels]
        posterior, prior = self.encode(x), self.prior(vectors)
        of_row = self.code_of(posterior, self.noise(posterior.mean))
        of_class = self.code_of(prior, self.noise(prior.mean))
        terms = {}
        if conf.reconstruction_weight:
            error = self._error(x, self.decode(of_row), row_weights)
            error = error + self._error(vectors, self.class_decoder(of_class), row_weights)
            terms["reconstruction"] = conf.reconstruction_weight * error
        if conf.kl_weight:
            zero = torch.zeros_like(posterior.mean[:1])
            divergence = kl_divergence(*posterior, zero, zero)
            if not self.prior_is_fixed:
                divergence = divergence + kl_divergence(*prior, zero, zero)
            terms["kl"] = conf.kl_weight * weighted_mean(divergence, row_weights)
        if conf.cross_weight:
            error = self._error(x, self.decode(of_class), row_weights)
            error = error + self._error(vectors, self.class_decoder(of_row), row_weights)
            terms["cross"] = conf.cross_weight * error
        if conf.alignment_weight:
            distance = wasserstein_distance(*posterior, *prior)
            terms["alignment"] = conf.alignment_weight * weighted_mean(distance, row_weights)
        return terms

    def classifier_input(self, x: Tensor) -> Tensor:
        """Return the (B, d) means of the codes of features."""
        return self.encode(x).mean

    def training_input(self, x: Tensor, streams: Streams) -> Tensor:
        """Return (B, d) codes drawn for features."""
        codes = self.encode(x)
        return self.code_of(codes, normal(codes.mean, streams["generate"]))

    def synthesize_input(self, class_vectors: Tensor, streams: Streams) -> Tensor:
        """Return (n, d) codes drawn for class vectors."""
        codes = self.prior(class_vectors)
        return self.code_of(codes, normal(codes.mean, streams["generate"]))

    def _error(self, x: Tensor, reconstruction: Tensor, row_weights: Tensor | None) -> Tensor:
        return ERRORS[self.conf.reconstruction](x, reconstruction, row_weights)
