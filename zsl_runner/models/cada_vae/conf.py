"""Options of CADA-VAE. The defaults are those of the released code, which has codes drawn in another way."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Problem
from zsl_runner.config.vocabulary import Capability
from zsl_runner.models.network_conf import BlockConf, GaussianPriorConf, HiddenConf, MLPConf


@dataclass
class RectifiedConf(BlockConf):
    """Hidden blocks of plain ReLU units."""

    slope: float = option(0.0, "slope of the leaky ReLU below zero; 0 is a ReLU", low=0.0, high=1.0)


@dataclass
class PlainMLPConf(MLPConf):
    """Hidden layers without batch norm."""

    batch_norm: bool = option(False, "batch normalisation in the hidden blocks")


@dataclass
class EncoderConf(PlainMLPConf):
    """One hidden layer of 1560."""

    hidden: list[int] = option([1560], "widths of the hidden layers; an empty list is one affine map", low=1)


@dataclass
class DecoderConf(PlainMLPConf):
    """One hidden layer of 1660."""

    hidden: list[int] = option([1660], "widths of the hidden layers; an empty list is one affine map", low=1)


@dataclass
class ClassEncoderConf(PlainMLPConf):
    """One hidden layer of 1450."""

    hidden: list[int] = option([1450], "widths of the hidden layers; an empty list is one affine map", low=1)


@dataclass
class ClassDecoderConf(PlainMLPConf):
    """One hidden layer of 665."""

    hidden: list[int] = option([665], "widths of the hidden layers; an empty list is one affine map", low=1)


@dataclass
class CADAVAEConf(GaussianPriorConf):
    """CADA-VAE: autoencoders of features and of class vectors that decode each other's codes."""

    implementation: ClassVar[str] = "zsl_runner.models.cada_vae.model:CADAVAE"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {
            Capability.CLASS_SCORES,
            Capability.LOSS_TERMS,
            Capability.SYNTHESIZE,
            Capability.CLASS_PRIORS,
            Capability.ALIGNED_CODES,
        }
    )

    kind: str = option("cada_vae", "the implementation; fixed by the file chosen in the group")
    name: str = option("cada_vae", "the label in directories, tables and TensorBoard")
    reconstruction: str = option(
        "absolute",
        "error of every reconstruction, summed over the entries of a row: absolute or squared",
        choices=("absolute", "squared"),
    )
    reconstruction_weight: float = option(
        1.0, "factor of the errors of features and class vectors decoded from their own codes", low=0.0
    )
    cross_weight: float = option(
        2.37, "gamma, factor of the errors of each decoded from the other's code; 0 leaves the term out", low=0.0
    )
    alignment_weight: float = option(
        8.13, "delta, factor of the distance between the two codes; 0 leaves the term out", low=0.0
    )
    kl_weight: float = option(0.25, "beta, factor of the divergences of both codes from N(0, I)", low=0.0)
    sampling: str = option(
        "reparameterised",
        "how codes are drawn: reparameterised = mean + e^(log-variance / 2) times standard normal noise; released = "
        "mean + e^(log-variance) times one number for all entries of a row, as in the released code",
        choices=("reparameterised", "released"),
    )
    init_gain: float = option(0.5, "factor of the Glorot-uniform initial weights", low=0.0, above=True)
    encoder: EncoderConf = section(EncoderConf, "from features to mean and log-variance of the latent code")
    decoder: DecoderConf = section(DecoderConf, "from the latent code to the features")
    class_encoder: ClassEncoderConf = section(
        ClassEncoderConf, "from class vectors to mean and log-variance of the latent code"
    )
    class_decoder: ClassDecoderConf = section(ClassDecoderConf, "from the latent code to the class vectors")
    blocks: RectifiedConf = section(RectifiedConf, "what all hidden blocks have in common")

    def autoencoder(self) -> tuple[HiddenConf, ...]:
        """Return also the options of the decoder of class vectors."""
        return *super().autoencoder(), self.class_decoder

    def networks(self) -> tuple[HiddenConf, ...]:
        """Return also the options of the encoder of class vectors, whose codes are the class priors."""
        return *super().networks(), self.class_encoder

    def prior_dropout(self) -> float | None:
        """Return the rate of the class vectors' encoder, if it has hidden layers."""
        return self.class_encoder.dropout if self.class_encoder.is_deep() else None

    def problems(self) -> Iterable[Problem]:
        """Decoders need an error to learn from, and codes of class vectors something in common with those of rows."""
        if self.reconstruction_weight == 0 and self.cross_weight == 0:
            yield Problem("reconstruction_weight", "is 0 and cross_weight is 0: no decoder learns")
        if self.cross_weight == 0 and self.alignment_weight == 0:
            yield Problem(
                "alignment_weight",
                "is 0 and cross_weight is 0: codes of class vectors have no part in those of rows",
            )
