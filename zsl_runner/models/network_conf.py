"""Configuration blocks that several models share. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import ModelConf
from zsl_runner.config.vocabulary import Provision

ORDERS = ("activation_norm_dropout", "norm_dropout_activation")
RULES = ("nearest_prior_mean", "density", "kl")


@dataclass
class BlockConf:
    """What the hidden blocks of all networks of a model have in common."""

    slope: float = option(0.2, "slope of the leaky ReLU below zero; 0 is a ReLU", low=0.0, high=1.0)
    norm_momentum: float = option(
        0.01, "share of a batch in batch norm's running statistics (TensorFlow 1 has 1 - 0.01)", low=0.0, high=1.0
    )
    norm_eps: float = option(1e-3, "offset of batch norm's variance", low=0.0, above=True)


@dataclass
class HiddenConf:
    """What stands around the linear maps of a network's hidden blocks."""

    dropout: float = option(0.0, "share of hidden units set to zero", low=0.0, high=1.0, below=True)
    batch_norm: bool = option(True, "batch normalisation in the hidden blocks")
    order: str = option(ORDERS[0], "order of the operations after a hidden block's linear map", choices=ORDERS)


@dataclass
class MLPConf(HiddenConf):
    """A multilayer perceptron between two widths that the data or other options fix."""

    hidden: list[int] = option([], "widths of the hidden layers; an empty list is one affine map", low=1)


@dataclass
class GaussianPriorConf(ModelConf):
    """A latent-variable model of features whose prior is one Gaussian for each class."""

    needs: ClassVar[frozenset[str]] = frozenset({Provision.FEATURES, Provision.CLASS_VECTORS})

    latent_dim: int = option(64, "width d of the latent space", low=1)
    reconstruction_weight: float = option(
        1.0, "factor of the squared error summed over features; 1/(2 s^2) for decoder variance s^2", low=0.0
    )
    kl_weight: float = option(1.0, "factor of the divergence from the own class's prior", low=0.0)
    rule: str = option("nearest_prior_mean", "how class scores are computed from the encoder's output", choices=RULES)
    encoder: MLPConf = section(MLPConf, "from features to mean and log-variance of the latent code")
    decoder: MLPConf = section(MLPConf, "from the latent code to the mean of the features")
    blocks: BlockConf = section(BlockConf, "what all hidden blocks have in common")

    def problems(self) -> Iterable[Problem]:
        """A loss without its two main terms trains neither encoder nor decoder."""
        if self.reconstruction_weight == 0 and self.kl_weight == 0:
            yield Problem("reconstruction_weight", "is 0 and kl_weight is 0: nothing relates codes to features")
