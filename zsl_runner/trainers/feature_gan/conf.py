"""Options of adversarial training of feature generators."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import ClassVar

from zsl_runner.classifiers.conf import ClassifierConf
from zsl_runner.config.fields import option, section
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Capability, Provision
from zsl_runner.models.feature_gan.conf import ATTRIBUTE_CRITIC, UNSEEN_CRITIC, FeatureGANConf

ESTIMATED = ("cpe", "classifier", "bbse", "bbse_soft")


@dataclass
class SeenClassifierConf:
    """The softmax on seen rows that judges generated rows when model.weights.classification is not 0."""

    epochs: int = option(50, "epochs (f-CLSWGAN 50)", low=1)
    lr: float = option(1e-3, "learning rate of Adam (f-CLSWGAN 1e-3)", low=0.0, above=True)
    batch_size: int = option(100, "rows of a step (f-CLSWGAN 100)", low=1)


@dataclass
class FeatureGANTrainerConf(TrainerConf):
    """Blocks of critic steps, each followed by one step of encoder and generator; regressor blocks in between."""

    implementation: ClassVar[str] = "zsl_runner.trainers.feature_gan.trainer:FeatureGANTrainer"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.SYNTHESIZE, Capability.ADVERSARIAL_FEATURES})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.ZERO_SHOT, Provision.FEATURES, Provision.CLASS_VECTORS})

    kind: str = "feature_gan"
    name: str = "feature_gan"
    mode: str = option(
        "inductive",
        "inductive: seen rows and class vectors; transductive: also the unlabelled unseen rows",
        choices=("inductive", "transductive"),
    )
    epochs: int = option(50, "epochs", low=1)
    epoch_steps: int | None = option(
        None,
        "generator steps of an epoch (of each of its halves with the feedback loop); null = batches of seen rows",
        low=1,
    )
    warmup_epochs: int = option(
        0, "mode=transductive: inductive epochs at the start (Bi-VAEGAN with an unknown prior: 1 or 3)", low=0
    )
    batch_size: int = option(64, "rows of a step (64 in all sources); fewer if there are fewer rows", low=2)
    critic_steps: int = option(5, "critic steps before each generator step", low=1)
    regressor_every: int = option(5, "regressor=level_1: generator steps between two regressor blocks", low=1)
    regressor_steps: int = option(
        5, "steps of the attribute critic, and then of the regressor, in a regressor block", low=1
    )
    evaluate_every: int = option(10, "epochs between two validations in the tune stage", low=1)
    class_prior: str = option(
        "uniform",
        "mode=transductive, frequencies of the unseen classes: uniform; known = of the unseen rows' labels, a leak; "
        "estimated each epoch by cpe = clustering, classifier = predictions, bbse or bbse_soft = label-shift weights "
        "from predictions or probabilities",
        choices=("known", "uniform", *ESTIMATED),
    )
    prior_classifier: ClassifierConf = section(ClassifierConf, "the classifier of an estimated class prior")
    seen_classifier: SeenClassifierConf = section(SeenClassifierConf, "the softmax that judges generated rows")
    optim: OptimizerConf = section(OptimizerConf, "optimiser of all networks")
    encoder_betas: list[float] | None = option(
        None,
        "Adam's decay rates for the encoder; null = those of all (TF-VAEGAN 0.9, 0.999)",
        low=0.0,
        high=1.0,
        below=True,
    )
    regressor_lr: float | None = option(None, "learning rate of the regressor; null = that of all networks", low=0.0)
    feedback_lr: float | None = option(
        None, "learning rate of the feedback network; null = that of all networks", low=0.0
    )

    def optimisers(self) -> dict[str, OptimizerConf]:
        """One optimiser for each network, equal but for the options that name one."""
        regressor = self.optim if self.regressor_lr is None else replace(self.optim, lr=self.regressor_lr)
        feedback = self.optim if self.feedback_lr is None else replace(self.optim, lr=self.feedback_lr)
        encoder = self.optim if self.encoder_betas is None else replace(self.optim, betas=self.encoder_betas)
        others = dict.fromkeys(("generator", "critic", "unseen_critic", "attribute_critic"), self.optim)
        return {"encoder": encoder, "regressor": regressor, "feedback": feedback, **others}

    def sees_unlabelled(self) -> bool:
        """Only the transductive mode does."""
        return self.mode == "transductive"

    def prior_source(self) -> str:
        """As configured."""
        return self.class_prior

    def problems(self) -> Iterable[Problem]:
        """Yield options that contradict one another."""
        if self.encoder_betas is not None and len(self.encoder_betas) != 2:
            yield Problem("encoder_betas", f"expected two decay rates, found {len(self.encoder_betas)}")
        if self.mode == "inductive":
            if self.class_prior != "uniform":
                yield Problem("class_prior", f"{self.class_prior} needs mode=transductive; mode is inductive")
            if self.warmup_epochs:
                yield Problem("warmup_epochs", "is the inductive start of mode=transductive; mode is inductive")
            return
        if self.warmup_epochs >= self.epochs:
            yield Problem("warmup_epochs", f"leaves none of {self.epochs} epochs for the unlabelled rows")
        if self.class_prior in ESTIMATED and self.warmup_epochs == 0:
            yield Problem(
                "warmup_epochs", f"is 0, so class_prior={self.class_prior} would start from an untrained generator"
            )

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect on how the class prior is found."""
        if self.class_prior not in ESTIMATED:
            yield from idle(f"class_prior={self.class_prior}", "prior_classifier")
        else:
            unseen_alone = "an estimated class prior, whose classifier knows the unseen classes alone"
            yield from idle(unseen_alone, "prior_classifier.epochs_gzsl", "prior_classifier.lr_gzsl")
            if (rows := self.prior_classifier.synthetic_per_class_zsl) is not None:
                yield from idle(
                    f"prior_classifier.synthetic_per_class_zsl={rows}", "prior_classifier.synthetic_per_class"
                )

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield options of networks the model does not have."""
        if not isinstance(model, FeatureGANConf):
            return
        if self.mode == "transductive" and not model.learns_from_unlabelled():
            yield Problem(
                "mode",
                "transductive, but no unlabelled row reaches generator or regressor: that takes unseen_critic and "
                "weights.unseen_generator above 0, or attribute_critic and weights.attribute_generator above 0",
            )
        absent = {
            "encoder_betas": (self.encoder_betas, model.encoder == "none", "encoder"),
            "regressor_lr": (self.regressor_lr, model.regressor == "none", "regressor"),
            "feedback_lr": (self.feedback_lr, not model.feedback_loop, "feedback_loop"),
        }
        for key, (value, is_absent, network) in absent.items():
            if value is not None and is_absent:
                yield Problem(key, f"has no effect: the model has no {network}")

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what has no effect with the model's networks and terms."""
        if not isinstance(model, FeatureGANConf):
            return
        if model.weights.classification == 0:
            yield from idle("model.weights.classification=0", "seen_classifier")
        if model.regressor != "level_1":
            yield from idle(f"model.regressor={model.regressor}", "regressor_every", "regressor_steps")
        if self.mode == "inductive":
            critics = {"unseen_critic": model.unseen_critic != "none", "attribute_critic": model.attribute_critic}
            named = [key for key, is_there in critics.items() if is_there]
            yield from idle("trainer.mode=inductive", *named, *UNSEEN_CRITIC, *ATTRIBUTE_CRITIC, part="model")
