"""Options of VZSL."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.vocabulary import Capability
from zsl_runner.models.network_conf import RULES, BlockConf, GaussianPriorConf, MLPConf


@dataclass
class VZSLBlockConf(BlockConf):
    """Hidden blocks; VZSL has plain ReLU units."""

    slope: float = option(0.0, "slope of the leaky ReLU below zero; 0 is a ReLU", low=0.0, high=1.0)


@dataclass
class VZSLMLPConf(MLPConf):
    """Two wide hidden layers without batch norm."""

    hidden: list[int] = option([1000, 1000], "widths of the hidden layers; an empty list is one affine map", low=1)
    dropout: float = option(0.2, "share of hidden units set to zero", low=0.0, high=1.0, below=True)
    batch_norm: bool = option(False, "batch normalisation in the hidden blocks")


@dataclass
class VZSLConf(GaussianPriorConf):
    """VZSL: priors linear in the class vector, a margin against all other classes, classification by divergence."""

    implementation: ClassVar[str] = "zsl_runner.models.vzsl.model:VZSL"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {
            Capability.CLASS_SCORES,
            Capability.LOSS_TERMS,
            Capability.SYNTHESIZE,
            Capability.CLASS_PRIORS,
            Capability.TARGET_TERMS,
        }
    )

    options_of: ClassVar[dict[str, tuple[str, ...]]] = {
        **GaussianPriorConf.options_of,
        Capability.TARGET_TERMS: ("sharpening_weight",),
    }

    kind: str = option("vzsl", "the implementation; fixed by the file chosen in the group")
    name: str = option("vzsl", "the label in directories, tables and TensorBoard")
    rule: str = option("kl", "how class scores are computed from the encoder's output", choices=RULES)
    encoder: VZSLMLPConf = section(VZSLMLPConf, "from features to mean and log-variance of the latent code")
    decoder: VZSLMLPConf = section(VZSLMLPConf, "from the latent code to the mean of the features")
    blocks: VZSLBlockConf = section(VZSLBlockConf, "what all hidden blocks have in common")
    output_init: float | None = option(
        1e-5,
        "half-width of the uniform initial weights of prior and output layers; null is Glorot's",
        low=0.0,
        above=True,
    )
    margin_weight: float = option(1.0, "lambda, factor of the soft-minimum margin; 0 leaves the term out", low=0.0)
    sharpening_weight: float = option(
        1.0, "factor of the self-sharpening term of unlabelled rows; 0 leaves the term out", low=0.0
    )

    def learns_from_unlabelled(self) -> bool:
        """Tell whether unlabelled rows have a term in the loss, in transductive training."""
        return bool(self.reconstruction_weight or self.sharpening_weight)
