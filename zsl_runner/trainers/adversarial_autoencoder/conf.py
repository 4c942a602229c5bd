"""Options of the training of adversarial autoencoders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.optimizer import OptimizerConf, ScheduledOptimizerConf
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Capability


@dataclass
class NoiseConf:
    """Gaussian noise while training."""

    where: str = option(
        "input",
        "input = on what the encoder sees (the paper); discriminator = on what the discriminators see, z in units of "
        "model.prior_scale (some codes)",
        choices=("input", "discriminator"),
    )
    std: float = option(0.0, "standard deviation of the noise; 0 for none (0.3 on semi-supervised MNIST)", low=0.0)

    def idle_options(self) -> Iterable[Idle]:
        """Yield that noise that is none is nowhere."""
        if self.std == 0:
            yield from idle("std=0", "where")


@dataclass
class SubStepsConf:
    """One optimiser for each sub-step; those of the encoder's three have states of their own."""

    recon: ScheduledOptimizerConf = section(ScheduledOptimizerConf, "reconstruction: encoder, decoder, cluster heads")
    disc: ScheduledOptimizerConf = section(ScheduledOptimizerConf, "the discriminators")
    gen: ScheduledOptimizerConf = section(ScheduledOptimizerConf, "the encoder against the discriminators")
    semi: ScheduledOptimizerConf = section(
        ScheduledOptimizerConf, "classification of labelled rows, with model.labels=category"
    )


@dataclass
class AdversarialAutoencoderTrainerConf(TrainerConf):
    """Steps of three or four sub-steps: reconstruction, discriminators, encoder against them, classification."""

    implementation: ClassVar[str] = "zsl_runner.trainers.adversarial_autoencoder.trainer:AdversarialAutoencoderTrainer"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.ADVERSARIAL_CODES})

    kind: str = "adversarial_autoencoder"
    name: str = "adversarial_autoencoder"
    epochs: int = option(50, "passes over the training rows", low=1)
    batch_size: int = option(100, "rows of a step (100 in all experiments of the paper)", low=2)
    labelled_batch_size: int = option(
        100, "labelled rows of a classification step; all of them if there are fewer", low=2
    )
    evaluate_every: int = option(5, "epochs between two validations", low=1)
    encode: str = option(
        "twice",
        "encodings of a batch for its first three sub-steps: twice = the game is about codes of the encoder that the "
        "reconstruction has just updated (the paper); once = one encoding for all, and one step of optim.recon down "
        "the sum of the encoder's losses (pythae, PyTorch-GAN)",
        choices=("twice", "once"),
    )
    game_weight: float = option(
        1.0,
        "with encode=once, weight of the encoder's losses against the discriminators, that of the reconstruction being "
        "1 (pythae's default: 0.5)",
        low=0.0,
        above=True,
    )
    noise: NoiseConf = section(NoiseConf, "Gaussian noise while training")
    input_dropout: float = option(
        0.0, "share of the entries of a row the encoder does not see (0.2 for clustering and SVHN)",
        low=0.0, high=1.0, below=True,
    )  # fmt: skip
    optim: SubStepsConf = section(SubStepsConf, "the optimisers of the sub-steps")

    def optimisers(self) -> dict[str, OptimizerConf]:
        """One for each sub-step that has a step of its own."""
        return dict(self.schedules())

    def schedules(self) -> dict[str, ScheduledOptimizerConf]:
        """Return the settings of each sub-step by the group it minimises."""
        optim = self.optim
        game = {"generator": optim.gen} if self.encode == "twice" else {}
        return {
            "reconstruction": optim.recon,
            "discriminator": optim.disc,
            **game,
            "classification": optim.semi,
        }

    def idle_options(self) -> Iterable[Idle]:
        """Yield what belongs to the other number of encodings."""
        yield from idle(f"encode={self.encode}", "game_weight" if self.encode == "twice" else "optim.gen")

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """Milestones of optimisers in use must be reached while there is training."""
        without_effect = {option.key for option in (*self.idle_options(), *self.idle_beside(model, dataset))}
        for name, conf in vars(self.optim).items():
            for problem in conf.unreached(self.epochs) if f"optim.{name}" not in without_effect else ():
                yield Problem(f"optim.{name}.{problem.key}", problem.message)

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what has no effect where labels are not classified."""
        if not model.uses_labels():
            yield from idle("a model that learns without labels", "labelled", "label_seed", part="dataset")
        labels = getattr(model, "labels", "category")
        if labels != "category":
            yield from idle(f"model.labels={labels}", "labelled_batch_size", "optim.semi")
