"""Options of the feature-generating family: which networks there are, and what they minimise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision

SPHERICAL = ("l2", "center_l2")
CENTRED = ("standard", "center_l2", "center_l2_standard")
UNSEEN_CRITIC = ("weights.unseen_critic", "weights.unseen_generator")
ATTRIBUTE_CRITIC = (
    "attribute_hidden",
    "weights.attribute_critic",
    "weights.attribute_generator",
    "penalty.attribute_weight",
    "penalty.attribute_projection",
    "perturbation.critic",
)


@dataclass
class WeightsConf:
    """Factors of the loss terms; a term of factor 0 adds nothing to a loss."""

    kl: float = option(1.0, "divergence of the code from N(0, I)", low=0.0)
    reconstruction: float = option(1.0, "reconstruction of seen rows", low=0.0)
    critic: float = option(10.0, "loss of the seen critic (gamma_D)", low=0.0, above=True)
    generator: float = option(10.0, "seen critic's score in the generator's loss (gamma_G)", low=0.0)
    unseen_critic: float = option(10.0, "loss of the unseen critic (gamma_Du)", low=0.0, above=True)
    unseen_generator: float = option(10.0, "unseen critic's score in the generator's loss (gamma_Gu)", low=0.0)
    attribute_critic: float = option(10.0, "loss of the attribute critic (gamma_Da)", low=0.0, above=True)
    attribute_generator: float = option(0.1, "attribute critic's score in the regressor's loss (gamma_Ga)", low=0.0)
    regression: float = option(1.0, "the regressor's loss on seen rows", low=0.0)
    feedback: float = option(1.0, "regression loss of generated rows in the generator's loss (beta)", low=0.0)
    classification: float = option(
        0.0, "cross-entropy of generated seen rows under a softmax fitted on seen rows (f-CLSWGAN 0.01)", low=0.0
    )


@dataclass
class PenaltyConf:
    """The critics' gradient penalties."""

    weight: float = option(10.0, "factor lambda of the seen and the unseen critic's penalty at the start", low=0.0)
    adaptive: bool = option(
        False,
        "multiply lambda by 1.1 after a block of critic steps with a mean penalty above 1.05, divide it by 1.1 below "
        "1.001 (codes of TF-VAEGAN and Bi-VAEGAN; in no paper); false = WGAN-GP",
    )
    attribute_weight: float = option(0.1, "factor of the attribute critic's penalty (Bi-VAEGAN 0.1)", low=0.0)
    attribute_projection: str = option(
        "unit",
        "norm to which interpolated class vectors are projected: unit = their own; features = the features' radius "
        "(released Bi-VAEGAN code); none",
        choices=("unit", "features", "none"),
    )


@dataclass
class PerturbationConf:
    """Class vectors a become a + c rho a, renormalised, rho uniform in [0, 1] for each entry; 0 leaves them alone."""

    critic: float = option(0.0, "c when the attribute critic is trained (Bi-VAEGAN 0.1, CUB 0)", low=0.0)
    synthesis: float = option(
        0.0, "c when the final classifier's rows are generated (released Bi-VAEGAN code 1.0, CUB 0)", low=0.0
    )


@dataclass
class FeatureGANConf(ModelConf):
    """Generator and critics of features, with an optional encoder, regressor, attribute critic and feedback loop."""

    implementation: ClassVar[str] = "zsl_runner.models.feature_gan.model:FeatureGAN"
    needs: ClassVar[frozenset[str]] = frozenset({Provision.FEATURES, Provision.CLASS_VECTORS})
    capabilities: ClassVar[frozenset[str]] = frozenset({Capability.SYNTHESIZE, Capability.ADVERSARIAL_FEATURES})

    kind: str = "feature_gan"
    name: str = "feature_gan"
    latent_dim: int | None = option(None, "width of the noise; null = width of a class vector (all sources)", low=1)
    hidden: int = option(4096, "units of every hidden layer (4096 in all sources)", low=1)
    attribute_hidden: int = option(100, "hidden units of the attribute critic", low=1)
    slope: float = option(0.2, "slope of the leaky ReLU below zero", low=0.0, high=1.0)
    init_deviation: float = option(
        0.02, "deviation of the initial weights of all networks but a batch_norm encoder", low=0.0, above=True
    )
    output: str = option(
        "sigmoid",
        "last step of the generator: sigmoid (features in [0, 1]), relu (f-CLSWGAN), projection (onto the features' "
        "sphere; Bi-VAEGAN), identity",
        choices=("sigmoid", "relu", "projection", "identity"),
    )
    encoder: str = option(
        "none",
        "none (f-CLSWGAN), two_layer (f-VAEGAN-D2, TF-VAEGAN), batch_norm (Bi-VAEGAN)",
        choices=("none", "two_layer", "batch_norm"),
    )
    encoded_noise: bool = option(
        False, "generated seen rows decode the encoder's codes instead of noise, in the critic's and generator's steps"
    )
    reconstruction: str = option(
        "squared",
        "bce (features in [0, 1]); squared = squared error of a row; squared_published = divided by batch size and "
        "width once more (released Bi-VAEGAN code)",
        choices=("bce", "squared", "squared_published"),
    )
    unseen_critic: str = option(
        "none",
        "critic of unlabelled unseen rows: none, unconditional (f-VAEGAN-D2, Bi-VAEGAN), pseudo_conditional = on the "
        "regressed class vector (I-VAEGAN)",
        choices=("none", "unconditional", "pseudo_conditional"),
    )
    regressor: str = option(
        "none",
        "from features to class vectors: none; joint = trained in every critic step (TF-VAEGAN); level_1 = in blocks "
        "of its own (Bi-VAEGAN)",
        choices=("none", "joint", "level_1"),
    )
    regression_loss: str = option(
        "weighted",
        "weighted = self-weighted absolute error (released codes); mse; mse_published = divided by the batch size "
        "once more",
        choices=("weighted", "mse", "mse_published"),
    )
    regressor_learns_from_generated: bool = option(
        False, "regressor=joint: it also minimises its loss on generated rows (TF-VAEGAN but for AWA)"
    )
    attribute_critic: bool = option(False, "transductive: a critic aligns regressed with true class vectors")
    feedback_loop: bool = option(
        False, "TF-VAEGAN: generate through the feedback network in the second half of each epoch"
    )
    feedback_train: float = option(1.0, "strength of the feedback while training (a1)", low=0.0)
    feedback_synthesis: float = option(
        1.0, "strength of the feedback when the classifier's rows are made (a2)", low=0.0
    )
    classifier_input: str = option(
        "x", "what the final classifier sees: x, or joint = x, R(x) and R's hidden units", choices=("x", "joint")
    )
    weights: WeightsConf = section(WeightsConf, "factors of the loss terms")
    penalty: PenaltyConf = section(PenaltyConf, "the critics' gradient penalties")
    perturbation: PerturbationConf = section(PerturbationConf, "perturbed class vectors")

    def problems(self) -> Iterable[Problem]:
        """Yield switches that have no effect because the network they belong to is off."""
        without_regressor = {
            "feedback_loop": self.feedback_loop,
            "attribute_critic": self.attribute_critic,
            "classifier_input": self.classifier_input == "joint",
            "unseen_critic": self.unseen_critic == "pseudo_conditional",
        }
        for key, used in without_regressor.items():
            if used and self.regressor == "none":
                yield Problem(key, "needs the regressor; choose regressor=joint or level_1")
        if self.attribute_critic and self.regressor == "joint":
            yield Problem("attribute_critic", "is trained beside the regressor in level_1 blocks; regressor is joint")
        if self.regressor_learns_from_generated and self.regressor != "joint":
            yield Problem("regressor_learns_from_generated", "has an effect with regressor=joint only")
        if self.encoded_noise and self.encoder == "none":
            yield Problem("encoded_noise", "needs an encoder; choose encoder=two_layer or batch_norm")
        if (
            self.output in ("relu", "identity", "projection")
            and self.encoder != "none"
            and self.reconstruction == "bce"
        ):
            yield Problem("reconstruction", f"bce needs features in [0, 1] and output=sigmoid; output is {self.output}")
        if self.perturbation.critic and not self.attribute_critic:
            yield Problem("perturbation.critic", "acts on the attribute critic, which is off")
        if not self._trains_the_generator():
            yield Problem(
                "weights.generator",
                "is 0, and no other term trains the generator from the first step: that is weights.reconstruction "
                "with an encoder, weights.feedback with a regressor, or weights.classification",
            )

    def learns_from_unlabelled(self) -> bool:
        """Tell whether a network that is used learns from unlabelled rows, in a transductive mode."""
        return bool(
            (self.unseen_critic != "none" and self.weights.unseen_generator)
            or (self.attribute_critic and self.weights.attribute_generator)
        )

    def _trains_the_generator(self) -> bool:
        """Tell whether a term of every phase does; the divergence reaches the encoder alone."""
        weights = self.weights
        return bool(
            weights.generator
            or weights.classification
            or (weights.reconstruction and self.encoder != "none")
            or (weights.feedback and self.regressor != "none")
        )

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect because the network or the term it belongs to is off."""
        if self.encoder == "none":
            yield from idle("encoder=none", "weights.kl", "weights.reconstruction", "reconstruction")
        elif self.weights.reconstruction == 0:
            yield from idle("weights.reconstruction=0", "reconstruction")
        if self.weights.generator == 0:  # the seen critic learns, and what it says reaches nothing
            yield from idle("weights.generator=0", "weights.critic")
        if self.unseen_critic == "none":
            yield from idle("unseen_critic=none", *UNSEEN_CRITIC)
        elif self.weights.unseen_generator == 0:  # likewise
            yield from idle("weights.unseen_generator=0", "weights.unseen_critic")
        if not self.attribute_critic:
            yield from idle("attribute_critic=false", *ATTRIBUTE_CRITIC)
        elif self.weights.attribute_generator == 0:
            own = [key for key in ATTRIBUTE_CRITIC if key != "weights.attribute_generator"]
            yield from idle("weights.attribute_generator=0", *own)
        elif self.penalty.attribute_weight == 0:
            yield from idle("penalty.attribute_weight=0", "penalty.attribute_projection")
        if self.regressor == "none":
            yield from idle("regressor=none", "weights.regression", "weights.feedback", "regression_loss")
        if not self.feedback_loop:
            yield from idle("feedback_loop=false", "feedback_train", "feedback_synthesis")
        if self.penalty.weight == 0:
            yield from idle("penalty.weight=0", "penalty.adaptive")
        if self.weights.feedback == 0:
            yield from idle("weights.feedback=0", "regressor_learns_from_generated")

    def fits(self, dataset: DatasetConf) -> Iterable[Problem]:
        """The generator's output and the regressor's must match how features and class vectors are scaled."""
        features = getattr(dataset, "feature_scaling", None)
        vectors = getattr(dataset, "semantic_scaling", None)
        if self.output == "projection" and features not in SPHERICAL:
            yield Problem(
                "output",
                f"projection needs dataset.feature_scaling=l2 or center_l2, found {features}; or choose another",
            )
        bounded = self.output == "sigmoid" or (self.encoder != "none" and self.reconstruction == "bce")
        if bounded and features != "minmax":
            yield Problem(
                "output" if self.output == "sigmoid" else "reconstruction",
                f"needs features in [0, 1]: dataset.feature_scaling=minmax, found {features}",
            )
        if self.output == "relu" and features in CENTRED:
            yield Problem(
                "output",
                f"relu makes no negative feature, and dataset.feature_scaling={features} makes features of mean 0; "
                "choose minmax, or output=identity",
            )
        if self.attribute_critic and self.penalty.attribute_projection == "features" and features not in SPHERICAL:
            yield Problem(
                "penalty.attribute_projection",
                f"features needs features of one norm, dataset.feature_scaling=l2 or center_l2, found {features}; "
                "choose unit or none",
            )
        perturbed = self.perturbation.critic or self.perturbation.synthesis
        if (self.regressor != "none" or perturbed) and vectors != "l2":
            part = "the regressor's output has" if self.regressor != "none" else "perturbed class vectors have"
            yield Problem(
                "regressor" if self.regressor != "none" else "perturbation",
                f"{part} unit norm and so must class vectors: dataset.semantic_scaling=l2, found {vectors}",
            )
