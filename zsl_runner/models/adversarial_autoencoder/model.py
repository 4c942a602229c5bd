r"""Adversarial autoencoders in all variants of Makhzani et al. 2015.

An encoder makes of a row x a continuous code z and perhaps a categorical code y; a decoder makes the row of them. In
place of a divergence from a prior, discriminators look at the codes of all rows together: the aggregated posterior

.. math:: q(z) = \int q(z | x)\, p_d(x)\, dx

shall look like draws of p(z), and y like draws of a uniform category. Variants differ in what labels are for.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from zsl_runner.data.images.folds import UNLABELLED
from zsl_runner.data.views import RowShape
from zsl_runner.errors import ConfigError
from zsl_runner.models.adversarial_autoencoder.conf import AdversarialAutoencoderConf
from zsl_runner.models.adversarial_autoencoder.networks import Codes, Decoder, Encoder, perceptron
from zsl_runner.models.base import FeatureGenerator
from zsl_runner.models.latent_priors import PARTS, LatentPrior
from zsl_runner.models.networks import evaluating, initialise_glorot, initialise_normal
from zsl_runner.objectives.cluster_heads import head_repulsion, simplex
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.streams import Streams


class AdversarialAutoencoder(FeatureGenerator):
    """Networks ``encoder``, ``decoder``, ``discriminator`` of z and, with a categorical code, one of y.

    Args:
        conf: variant and sizes.
        shape: sizes of rows, and of what describes their classes.
        streams: ``init`` for the weights.

    All networks work in units of the prior's scale s: the encoder's output is multiplied by it, and what decoder and
    discriminator see of z is divided by it. So training with s = 5 differs from s = 1 in nothing but the unit of z,
    which with ``code=sum`` is that of the heads and of their distance eta, too.

    Attributes:
        prior: p(z); with ``labels=discriminator`` as many parts as there are classes.
        categories: width m of y; 0 without.
        heads: (m, d) the clusters' heads; None unless ``code=sum``.

    Raises:
        ConfigError: more classes than the prior has parts, or more than a simplex of the code's width has corners.
    """

    heads: Tensor | None

    def __init__(self, conf: AdversarialAutoencoderConf, shape: RowShape, streams: Streams) -> None:
        super().__init__()
        self.conf = conf
        self.shape = shape
        entries, condition = shape.width, shape.description
        self.classes = shape.classes
        parts = min(PARTS, self.classes) if conf.labels == "discriminator" else PARTS
        self.prior = LatentPrior(conf.prior, conf.latent_dim, conf.prior_scale, parts)
        self.categories = (conf.n_clusters or shape.classes) if conf.has_category else 0
        self._check_classes()
        beside_z = condition if conf.labels == "decoder" else self.categories if conf.code == "concatenate" else 0
        told = self.classes + 1 if conf.labels == "discriminator" else 0
        widths = [*conf.discriminator_hidden, 1]
        with streams.initialising():
            self.encoder = Encoder(entries, self.categories, conf, streams)
            self.decoder = Decoder(conf.latent_dim + beside_z, entries, conf, streams)
            self.discriminator = perceptron([conf.latent_dim + told, *widths], False, streams)
            self.category_discriminator = (
                perceptron([self.categories, *widths], False, streams) if self.categories else None
            )
            if conf.init_deviation is None:
                initialise_glorot(self)
            else:
                initialise_normal(self, conf.init_deviation)
            self._place_heads()

    def _check_classes(self) -> None:
        conf = self.conf
        if conf.labels == "discriminator" and self.classes > PARTS:
            raise ConfigError(
                f"model.prior={conf.prior} has {PARTS} parts, one for each class with labels=discriminator, and the "
                f"data have {self.classes} classes"
            )
        if conf.code == "sum" and conf.heads.placement == "simplex" and self.categories > conf.latent_dim + 1:
            raise ConfigError(
                f"model.heads.placement=simplex: {self.categories} heads need model.latent_dim >= "
                f"{self.categories - 1}, found {conf.latent_dim}"
            )

    def _place_heads(self) -> None:
        conf = self.conf
        if conf.code != "sum":
            self.heads = None
        elif conf.heads.placement == "simplex":
            self.register_buffer("heads", simplex(self.categories, conf.latent_dim, conf.heads.eta))
        else:
            # On a scale at which they neither coincide nor are out of each other's reach.
            drawn = torch.randn(self.categories, conf.latent_dim)
            self.heads = nn.Parameter(drawn * conf.heads.eta / 2)

    def parameter_groups(self) -> Mapping[str, list[nn.Parameter]]:
        """Return what each sub-step of training moves; the encoder is in three of them.

        ``reconstruction``: encoder, decoder, heads; ``discriminator``: all discriminators; ``generator``: the encoder;
        ``classification``, with ``labels=category``: the part of the encoder that y depends on.
        """
        discriminators = [self.discriminator, self.category_discriminator]
        heads = [self.heads] if isinstance(self.heads, nn.Parameter) else []
        groups = {
            "reconstruction": [*self.encoder.parameters(), *self.decoder.parameters(), *heads],
            "discriminator": [p for network in discriminators if network is not None for p in network.parameters()],
            "generator": list(self.encoder.parameters()),
        }
        if self.conf.labels == "category":
            groups["classification"] = self.encoder.category_parameters()
        return groups

    def posterior_noise(self, rows: int, generator: torch.Generator) -> Tensor | None:
        """Return what the posterior needs beside x for so many rows; None if it is deterministic."""
        if not self.encoder.noise_width:
            return None
        return torch.randn(rows, self.encoder.noise_width, generator=generator, device=generator.device)

    def encode(self, x: Tensor, noise: Tensor | None) -> Codes:
        """Return the codes of rows (n, D)."""
        codes: Codes = self.encoder(x, noise)
        return Codes(self.prior.scale * codes.z, codes.logits)

    def decode(self, z: Tensor, beside: Tensor | None) -> Tensor:
        """Return the (n, D) rows of codes.

        Args:
            z: (n, d).
            beside: (n, m) categorical codes or, with ``labels=decoder``, (n, A) what describes the class; None if
                there is neither.
        """
        rows: Tensor = self.decoder(self.representation(z, beside))
        return rows

    def representation(self, z: Tensor, beside: Tensor | None) -> Tensor:
        """Return what the decoder sees: z, z and what stands beside it, or the sum of z and the heads weighted by y.

        z and heads in units of the prior's scale.
        """
        if beside is not None and self.heads is not None:
            return (z + beside @ self.heads) / self.prior.scale
        z = z / self.prior.scale
        return z if beside is None else torch.cat([z, beside], dim=1)

    def head_penalty(self) -> Tensor | None:
        """Return the weighted penalty of learned heads that are too close; None without such heads."""
        if not isinstance(self.heads, nn.Parameter):
            return None
        return self.conf.heads.weight * head_repulsion(self.heads, self.conf.heads.eta)

    def told(self, labels: Tensor) -> Tensor | None:
        """Return what the discriminator of z is told of labels (n,), `UNLABELLED` where there is none.

        One-hot (n, K + 1) with ``labels=discriminator``, the last place for rows without label; else None.
        """
        return self.one_hot(labels) if self.conf.labels == "discriminator" else None

    def one_hot(self, labels: Tensor) -> Tensor:
        """Return (n, K + 1) one-hot labels, the last place for `UNLABELLED` rows."""
        places = torch.where(labels == UNLABELLED, self.classes, labels)
        return torch.nn.functional.one_hot(places, self.classes + 1).float()

    def prior_codes(self, labels: Tensor, generator: torch.Generator) -> Tensor:
        """Return (n, d) draws of the prior to set beside codes of rows with ``labels`` (n,).

        With ``labels=discriminator`` the draw for a labelled row is from its class's part, else from the whole.
        """
        if self.conf.labels != "discriminator":
            return self.prior.sample(len(labels), generator)
        anywhere = torch.randint(self.prior.parts, labels.shape, generator=generator, device=labels.device)
        return self.prior.sample_parts(torch.where(labels == UNLABELLED, anywhere, labels), generator)

    def judge(self, z: Tensor, told: Tensor | None) -> Tensor:
        """Return the (n, 1) logits of the discriminator of z; positive for draws of the prior."""
        z = z / self.prior.scale
        return at_least_fp32(self.discriminator(z if told is None else torch.cat([z, told], dim=1)))

    def judge_categories(self, y: Tensor) -> Tensor:
        """Return the (n, 1) logits of the discriminator of y; positive for one-hot draws."""
        assert self.category_discriminator is not None
        return at_least_fp32(self.category_discriminator(y))

    @torch.no_grad()
    def synthesize(self, class_vectors: Tensor, streams: Streams) -> Tensor:
        """Return features (n, D) decoded from class vectors (n, A) and draws of the prior."""
        with evaluating(self):
            return self.decode(self.prior.sample(len(class_vectors), streams["generate"]), class_vectors)
