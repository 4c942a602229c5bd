"""Options of networks that several models share, and of those that predict outputs. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision, View

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

    def is_deep(self) -> bool:
        """Tell whether the network has a hidden block."""
        return True

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect on the blocks there are."""
        if not self.is_deep():
            yield from idle("a network without hidden blocks", "dropout", "batch_norm", "order")
        elif not self.batch_norm and not self.dropout:
            yield from idle("batch_norm=false and dropout=0", "order")


@dataclass
class MLPConf(HiddenConf):
    """A multilayer perceptron between two widths that the data or other options fix."""

    hidden: list[int] = option([], "widths of the hidden layers; an empty list is one affine map", low=1)

    def is_deep(self) -> bool:
        """Tell whether the network has a hidden block."""
        return bool(self.hidden)


@dataclass
class GaussianPriorConf(ModelConf):
    """A latent-variable model of features whose prior is one Gaussian for each class."""

    needs: ClassVar[frozenset[str]] = frozenset({Provision.FEATURES, Provision.CLASS_VECTORS})
    options_of: ClassVar[dict[str, tuple[str, ...]]] = {Capability.CLASS_SCORES: ("rule",)}

    latent_dim: int = option(64, "width d of the latent space", low=1)
    reconstruction_weight: float = option(
        1.0, "factor of the squared error summed over features; 1/(2 s^2) for decoder variance s^2", low=0.0
    )
    kl_weight: float = option(1.0, "factor of the divergence from the own class's prior", low=0.0)
    rule: str = option("nearest_prior_mean", "how class scores are computed from the encoder's output", choices=RULES)
    encoder: MLPConf = section(MLPConf, "from features to mean and log-variance of the latent code")
    decoder: MLPConf = section(MLPConf, "from the latent code to the mean of the features")
    blocks: BlockConf = section(BlockConf, "what all hidden blocks have in common")

    def autoencoder(self) -> tuple[HiddenConf, ...]:
        """Return the options of the networks that learn also where class priors are fixed."""
        return self.encoder, self.decoder

    def networks(self) -> tuple[HiddenConf, ...]:
        """Return the options of all networks that may have hidden blocks."""
        return self.autoencoder()

    def prior_dropout(self) -> float | None:
        """Return the dropout rate of the prior network; None if it has no hidden block, hence nothing to drop."""
        return None

    def moves_priors(self) -> tuple[str, ...]:
        """Return the options of loss terms that depend on nothing but the class priors; keys are below the model."""
        return ()

    def undroppable(self, rate: float | None, key: str) -> Iterable[Problem]:
        """Yield a problem if a trainer's ``rate`` for the prior network is more than 0 and nothing there can drop."""
        if rate and self.prior_dropout() is None:
            yield Problem(key, f"model={self.kind} has a prior network without hidden layers, which drops nothing")

    def problems(self) -> Iterable[Problem]:
        """A loss without its two main terms trains neither encoder nor decoder."""
        if self.reconstruction_weight == 0 and self.kl_weight == 0:
            yield Problem("reconstruction_weight", "is 0 and kl_weight is 0: nothing relates codes to features")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect on the blocks that the networks have."""
        deep = [network for network in self.networks() if network.is_deep()]
        if not deep:
            yield from idle("networks without hidden blocks", "blocks.slope")
        if not any(network.batch_norm for network in deep):
            yield from idle("networks without batch norm", "blocks.norm_momentum", "blocks.norm_eps")


@dataclass
class OutputConf(ModelConf):
    """What the outputs are, and how wide the networks."""

    reads: ClassVar[View] = View.PAIRS

    hidden: list[int] = option([1000, 1000], "widths of the hidden layers of every network", low=1)
    dropout: float = option(0.0, "share of hidden units set to zero in training", low=0.0, high=1.0, below=True)
    likelihood: str = option(
        "auto",
        "distribution of an entry of the output: bernoulli for values in [0, 1], gaussian for any; auto: bernoulli "
        "where the data are known to lie in [0, 1]",
        choices=("auto", "bernoulli", "gaussian"),
    )
    deviation: float = option(
        1.0, "standard deviation of Gaussian outputs, in units of the scaled data", low=0.0, above=True
    )

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without hidden layers."""
        if not self.hidden:
            yield from idle("hidden=[]", "dropout")

    def fits(self, dataset: DatasetConf) -> Iterable[Problem]:
        """Pairs of numbers, images of classes, or features with class vectors; Bernoulli outputs in [0, 1]."""
        pairs = {Provision.PAIRS, Provision.NUMBERS} <= dataset.provides
        if not pairs and not {Provision.FEATURES, Provision.CLASS_VECTORS} <= dataset.provides:
            yield Problem(
                "kind",
                f"{self.kind} predicts pixels from pixels or labels, or features from class vectors, and "
                f"dataset={dataset.kind} has none of these; use dataset=mnist_quadrant, dataset=mnist_images, a "
                "zero-shot data set, or another model",
            )
        scaling = getattr(dataset, "feature_scaling", None)
        if self.likelihood == "bernoulli" and not pairs and scaling != "minmax":
            yield Problem(
                "likelihood",
                f"bernoulli needs outputs in [0, 1], and dataset.feature_scaling={scaling}; use minmax or gaussian",
            )
        if self.deviation != 1 and self.likelihood == "bernoulli":
            yield Problem("deviation", "has no effect with likelihood=bernoulli")
        if self.deviation != 1 and self.likelihood == "auto" and pairs:
            yield Problem("deviation", "has no effect on pixels, which likelihood=auto takes for bernoulli variables")
