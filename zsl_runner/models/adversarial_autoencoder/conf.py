"""Options of adversarial autoencoders: codes, priors, what labels and clusters are for, networks."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision, View

IN_THE_PLANE = ("gmm10", "swiss_roll")
ZERO_SHOT = frozenset({Provision.FEATURES, Provision.CLASS_VECTORS})


@dataclass
class HeadsConf:
    """Cluster heads: the points of the representation around which codes lie, with code=sum."""

    placement: str = option(
        "learned",
        "learned, kept apart by the penalty; simplex = fixed at the corners of a regular simplex of edge eta, which "
        "needs latent_dim >= clusters - 1",
        choices=("learned", "simplex"),
    )
    eta: float = option(4.0, "distance below which two heads repel each other; edge of the simplex", low=0.0)
    weight: float = option(1.0, "factor of the penalty of heads that are too close", low=0.0)


@dataclass
class AdversarialAutoencoderConf(ModelConf):
    """Encoder, decoder and discriminators of a code z, with or without a categorical code y beside it."""

    implementation: ClassVar[str] = "zsl_runner.models.adversarial_autoencoder.model:AdversarialAutoencoder"
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.ADVERSARIAL_CODES, Capability.SYNTHESIZE})
    reads: ClassVar[View] = View.ROWS

    kind: str = "adversarial_autoencoder"
    name: str = "adversarial_autoencoder"
    latent_dim: int = option(10, "width d of z", low=1)
    posterior: str = option(
        "deterministic",
        "q(z | x): deterministic (all experiments of the paper); gaussian; universal = a function of x and of noise",
        choices=("deterministic", "gaussian", "universal"),
    )
    posterior_noise_dim: int | None = option(
        None, "posterior=universal: width of the noise beside x; null = latent_dim", low=1
    )
    prior: str = option(
        "normal",
        "p(z): normal, uniform = in a cube; in the plane: gmm10 = ten Gaussians like petals, swiss_roll",
        choices=("normal", "uniform", *IN_THE_PLANE),
    )
    prior_scale: float = option(
        1.0, "deviation of prior=normal (5 in the paper's two-dimensional figures), half edge of uniform's cube",
        low=0.0,
        above=True,
    )  # fmt: skip
    labels: str = option(
        "none",
        "what labels are for: none; decoder = it sees them, z is left with the style; discriminator = they fix where "
        "in the prior a class lies; category = the encoder learns to predict them",
        choices=("none", "decoder", "discriminator", "category"),
    )
    n_clusters: int | None = option(
        None, "labels=none: width m of a categorical code y, unsupervised clusters; null for no such code", low=2
    )
    code: str = option(
        "concatenate",
        "what the decoder sees of y and z: concatenate; sum = a head for each cluster plus z, in latent_dim dimensions",
        choices=("concatenate", "sum"),
    )
    heads: HeadsConf = section(HeadsConf, "code=sum: the clusters' heads")
    true_label_in_decoder: bool = option(
        False, "labels=category: the decoder sees the label in place of y where training knows it; not in the paper"
    )
    hidden: list[int] = option([1000, 1000], "widths of the hidden layers of encoder and decoder (ReLU)", low=1)
    discriminator_hidden: list[int] = option([1000, 1000], "widths of the hidden layers of the discriminators", low=1)
    bn: str = option(
        "none",
        "batch normalisation: none (MNIST); encoder = its layers and codes (clustering); all = also decoder and output "
        "(SVHN). Never in the discriminators",
        choices=("none", "encoder", "all"),
    )
    output: str = option(
        "sigmoid", "last step of the decoder: sigmoid for data in [0, 1], linear", choices=("sigmoid", "linear")
    )
    init_deviation: float | None = option(
        None, "deviation of normal initial weights (0.01 in the paper); null = uniform by Glorot", low=0.0, above=True
    )

    @property
    def has_category(self) -> bool:
        """Whether there is a categorical code."""
        return self.labels == "category" or self.n_clusters is not None

    def uses_labels(self) -> bool:
        """Every variant but those of labels=none."""
        return self.labels != "none"

    def problems(self) -> Iterable[Problem]:
        """Yield options that contradict each other or have no effect."""
        if self.prior in IN_THE_PLANE:
            if self.latent_dim != 2:
                yield Problem("latent_dim", f"prior={self.prior} lies in the plane; use 2, found {self.latent_dim}")
            if self.prior_scale != 1:
                yield Problem("prior_scale", f"has no effect with prior={self.prior}")
        elif self.labels == "discriminator":
            yield Problem(
                "prior", f"labels=discriminator needs one with ten parts: gmm10, swiss_roll; it is {self.prior}"
            )
        if self.n_clusters is not None and self.labels != "none":
            yield Problem("n_clusters", f"clusters are found without labels, and labels={self.labels}; use null")
        if self.posterior_noise_dim is not None and self.posterior != "universal":
            yield Problem("posterior_noise_dim", f"has no effect with posterior={self.posterior}")
        if self.true_label_in_decoder and self.labels != "category":
            yield Problem("true_label_in_decoder", f"needs labels=category; labels is {self.labels}")
        if self.code == "sum":
            if not self.has_category:
                yield Problem("code", "sum needs a categorical code; use labels=category or give n_clusters")
        elif self.heads != HeadsConf():
            yield Problem("heads", "have no effect with code=concatenate")
        clusters = self.n_clusters or 0
        if self.code == "sum" and self.heads.placement == "simplex":
            if clusters > self.latent_dim + 1:
                yield Problem("heads.placement", f"a simplex of {clusters} heads needs latent_dim >= {clusters - 1}")
            if self.heads.weight != 1:
                yield Problem("heads.weight", "has no effect with heads.placement=simplex: its heads do not move")

    def fits(self, dataset: DatasetConf) -> Iterable[Problem]:
        """Images, with labels where they are used; or features with class vectors, which the decoder must see."""
        if Provision.IMAGE_ROWS in dataset.provides:
            if self.uses_labels() and Provision.IMAGE_LABELS not in dataset.provides:
                yield Problem("labels", f"dataset={dataset.kind} has none; use none")
            return
        if not dataset.provides >= ZERO_SHOT:
            yield Problem(
                "kind",
                f"{self.kind} learns from images (dataset=mnist_images) or from features with class vectors "
                f"(dataset=cub), and dataset={dataset.kind} has neither",
            )
            return
        if self.labels != "decoder":
            yield Problem(
                "labels",
                "of zero-shot data only labels=decoder (model=aae/features) generates features of a class, found "
                f"{self.labels}",
            )
        scaling = getattr(dataset, "feature_scaling", None)
        if self.output == "sigmoid" and scaling != "minmax":
            yield Problem(
                "output",
                f"sigmoid needs features in [0, 1]: dataset.feature_scaling=minmax, found {scaling}; or linear",
            )
