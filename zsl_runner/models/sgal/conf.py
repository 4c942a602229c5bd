"""Options of SGAL. The defaults are the settings released for AwA1."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Idle, idle
from zsl_runner.config.vocabulary import Capability
from zsl_runner.models.network_conf import ORDERS, GaussianPriorConf, HiddenConf, MLPConf


@dataclass
class EncoderConf(MLPConf):
    """One hidden layer."""

    hidden: list[int] = option([512], "widths of the hidden layers; an empty list is one affine map", low=1)
    dropout: float = option(0.5, "share of hidden units set to zero", low=0.0, high=1.0, below=True)


@dataclass
class DecoderConf(MLPConf):
    """No hidden layer, hence nothing that drops until one is configured."""

    dropout: float = option(0.5, "share of hidden units set to zero", low=0.0, high=1.0, below=True)


@dataclass
class PriorConf(HiddenConf):
    """The network from class vectors to prior means; learned log-variances take a second tower of the same shape."""

    layers: int = option(
        6, "linear maps of a tower; hidden widths go geometrically from A to d (used while prior.hidden is null)", low=1
    )
    hidden: list[int] | None = option(None, "hidden widths of a tower; null takes prior.layers", low=1)
    dropout: float = option(0.2, "share of hidden units set to zero", low=0.0, high=1.0, below=True)
    order: str = option(ORDERS[1], "order of the operations after a hidden block's linear map", choices=ORDERS)
    const_log_var: float | None = option(0.0, "log-variance of every prior; null learns it with a second tower")

    def is_deep(self) -> bool:
        """Tell whether a tower has a hidden block."""
        return self.layers > 1 if self.hidden is None else bool(self.hidden)

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect beside the widths of the towers."""
        yield from super().idle_options()
        if self.hidden is not None:
            yield from idle(f"hidden={list(self.hidden)}", "layers")


@dataclass
class MarginConf:
    """The regulariser that keeps the class priors apart."""

    weight: float = option(0.1, "factor of the squared hinge; 0 leaves the term out", low=0.0)
    per_dim: float = option(2.0, "wanted L1 distance in standard deviations for each latent dimension", low=0.0)
    pairs: str = option(
        "batch_all",
        "batch_all: all ordered pairs of batch rows, same class included (released); batch_diff: only rows of "
        "different classes; classes: every ordered pair of classes of the data set once",
        choices=("batch_all", "batch_diff", "classes"),
    )

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect without the term."""
        if self.weight == 0:
            yield from idle("weight=0", "per_dim", "pairs")


@dataclass
class SGALConf(GaussianPriorConf):
    """SGAL: encoder, decoder and a prior network that gives every class its own Gaussian."""

    implementation: ClassVar[str] = "zsl_runner.models.sgal.model:SGAL"
    capabilities: ClassVar[frozenset[str]] = frozenset(
        {Capability.CLASS_SCORES, Capability.LOSS_TERMS, Capability.SYNTHESIZE, Capability.CLASS_PRIORS}
    )

    kind: str = option("sgal", "the implementation; fixed by the file chosen in the group")
    name: str = option("sgal", "the label in directories, tables and TensorBoard")
    encoder: EncoderConf = section(EncoderConf, "from features to mean and log-variance of the latent code")
    decoder: DecoderConf = section(DecoderConf, "from the latent code to the mean of the features")
    prior: PriorConf = section(PriorConf, "from class vectors to the class priors")
    margin: MarginConf = section(MarginConf, "distance between the class priors")

    def networks(self) -> tuple[HiddenConf, ...]:
        """Return also the options of the prior network."""
        return *super().networks(), self.prior

    def moves_priors(self) -> tuple[str, ...]:
        """Return the margin, a distance between the class priors."""
        return ("margin",)

    def prior_dropout(self) -> float | None:
        """Return the towers' rate, if they have hidden layers."""
        return self.prior.dropout if self.prior.is_deep() else None
