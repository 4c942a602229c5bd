"""Encoder with heads for both codes, decoder, discriminator: multilayer perceptrons with ReLU."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from zsl_runner.models.adversarial_autoencoder.conf import AdversarialAutoencoderConf
from zsl_runner.models.network_conf import BlockConf, HiddenConf
from zsl_runner.models.networks import code_log_variance, mlp
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams

BLOCKS = BlockConf(slope=0.0, norm_momentum=0.1, norm_eps=1e-5)


@dataclass(frozen=True)
class Codes:
    """What the encoder makes of n rows.

    Attributes:
        z: (n, d) continuous codes.
        logits: (n, m) of the categorical code; None without one.
    """

    z: Tensor
    logits: Tensor | None

    @property
    def y(self) -> Tensor | None:
        """The (n, m) categorical codes, probabilities."""
        return None if self.logits is None else self.logits.softmax(1)

    def detach(self) -> Codes:
        """Return the codes as constants."""
        return Codes(self.z.detach(), None if self.logits is None else self.logits.detach())


def perceptron(widths: Sequence[int], batch_norm: bool, streams: Streams) -> nn.Sequential:
    """Build linear maps with ReLU between them, batch norm before each ReLU if asked for."""
    conf = HiddenConf(dropout=0.0, batch_norm=batch_norm, order="norm_dropout_activation")
    return mlp(widths, conf, BLOCKS, streams)


def trunk(widths: Sequence[int], batch_norm: bool, streams: Streams) -> nn.Sequential:
    """Build hidden layers alone: a perceptron without its last linear map."""
    return nn.Sequential(*list(perceptron([*widths, 1], batch_norm, streams))[:-1])


def head(inputs: int, outputs: int, batch_norm: bool) -> nn.Module:
    """Build a last layer, normalised if asked for."""
    linear = nn.Linear(inputs, outputs)
    return (
        nn.Sequential(linear, nn.BatchNorm1d(outputs, BLOCKS.norm_eps, BLOCKS.norm_momentum)) if batch_norm else linear
    )


class Encoder(nn.Module):
    """From rows, and noise if the posterior is universal, to z and y: hidden layers with a head for each.

    Args:
        entries: width of a row.
        categories: width m of y; 0 without.
        conf: sizes and kind of posterior.
        streams: of the model.
    """

    def __init__(self, entries: int, categories: int, conf: AdversarialAutoencoderConf, streams: Streams) -> None:
        super().__init__()
        self.posterior = conf.posterior
        self.noise_width = {
            "deterministic": 0,
            "gaussian": conf.latent_dim,
            "universal": conf.posterior_noise_dim or conf.latent_dim,
        }[conf.posterior]
        beside = self.noise_width if conf.posterior == "universal" else 0
        widths, normal = [entries + beside, *conf.hidden], conf.bn != "none"
        self.trunk = trunk(widths, normal, streams)
        self.z_head = head(widths[-1], conf.latent_dim, normal)
        self.log_var_head = nn.Linear(widths[-1], conf.latent_dim) if conf.posterior == "gaussian" else None
        self.y_head = head(widths[-1], categories, normal) if categories else None

    def forward(self, x: Tensor, noise: Tensor | None) -> Codes:
        """Return the codes of rows (n, D), given standard normal noise (n, noise_width) unless that is 0."""
        hidden = self._units(x, noise)
        z = at_least_fp32(self.z_head(hidden))
        if self.log_var_head is not None:
            assert noise is not None
            z = z + torch.exp(0.5 * code_log_variance(self.log_var_head(hidden))) * noise
        return Codes(z, None if self.y_head is None else at_least_fp32(self.y_head(hidden)))

    def logits(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """Return the (n, m) logits of y alone."""
        assert self.y_head is not None
        return at_least_fp32(self.y_head(self._units(x, noise)))

    def _units(self, x: Tensor, noise: Tensor | None) -> Tensor:
        """Return the (n, h) units of the last hidden layer."""
        if self.posterior == "universal":
            assert noise is not None
            x = torch.cat([x, noise], dim=1)
        units: Tensor = self.trunk(x)
        return units

    def category_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that y depends on."""
        assert self.y_head is not None
        return [*self.trunk.parameters(), *self.y_head.parameters()]


class Decoder(nn.Module):
    """From a representation to rows.

    Args:
        inputs: width of a representation.
        entries: width of a row.
        conf: sizes and last step.
        streams: of the model.
    """

    def __init__(self, inputs: int, entries: int, conf: AdversarialAutoencoderConf, streams: Streams) -> None:
        super().__init__()
        widths, normal = [inputs, *conf.hidden], conf.bn == "all"
        self.layers = nn.Sequential(*trunk(widths, normal, streams), head(widths[-1], entries, normal))
        self.sigmoid = conf.output == "sigmoid"

    def forward(self, representation: Tensor) -> Tensor:
        """Return the (n, D) rows for representations (n, r)."""
        rows = at_least_fp32(self.layers(representation))
        return rows.sigmoid() if self.sigmoid else rows
