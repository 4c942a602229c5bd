"""Options of the EM procedure; the names follow the schedule of SGAL's generate-and-learn stage."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf, TrainerConf
from zsl_runner.config.vocabulary import Capability, Provision
from zsl_runner.models.network_conf import GaussianPriorConf

OF_GENERATED_ROWS = (
    "copies",
    "decoder_dropout",
    "prior_dropout",
    "gen_noise",
    "refresh_every",
    "loss_weighting",
    "norm_statistics",
)
"""Options without effect where none are generated; which classes they would be of is recorded all the same."""


@dataclass
class EMConf:
    """The generate-and-learn phase."""

    iterations: int = option(2000, "iterations: a possible real-only step and one step on the mixed batch", low=0)
    real_step_prob: float = option(
        0.5, "probability of a step on real rows alone before the mixed step", low=0.0, high=1.0
    )
    gen_ratio: float = option(0.9, "share of generated draws in a mixed batch, before copying", low=0.0, high=1.0)
    gen_ratio_jitter: float = option(0.05, "half-width of the uniform jitter of gen_ratio", low=0.0, high=1.0)
    copies: int = option(5, "rows decoded from each draw (Monte-Carlo dropout makes them differ)", low=1)
    decoder_dropout: bool = option(True, "Monte-Carlo dropout in the decoder while generating")
    prior_dropout: bool = option(False, "Monte-Carlo dropout in the prior network while generating")
    train_prior: bool = option(
        True,
        "whether the prior network learns in this phase (released code: true); false keeps the class priors where "
        "pretraining put them, so that unseen ones cannot drift away",
    )
    train_prior_dropout: float | None = option(
        0.0,
        "dropout rate of the prior network in this phase (released code 0.0); null keeps the model's",
        low=0.0,
        high=1.0,
        below=True,
    )
    gen_noise: float = option(0.0, "deviation of observation noise added to generated rows (released code 0)", low=0.0)
    class_draw: str = option(
        "uniform",
        "how unseen classes are drawn: uniform; test_frequency = the released code's draw by test labels, a leak",
        choices=("uniform", "test_frequency"),
    )
    refresh_every: int = option(
        1,
        "iterations between two refreshes of the generating parameters Theta_old; 1 = current ones (released code)",
        low=1,
    )
    loss_weighting: str = option(
        "row",
        "weights of rows in a mixed batch. row: every row alike (released code); class: every class alike (the paper's "
        "objective). Steps on real rows alone weigh rows alike",
        choices=("row", "class"),
    )
    norm_statistics: str = option(
        "mixed",
        "statistics by which batch norm scales a mixed batch. mixed: the batch's own, which also move the running ones "
        "that test rows are scaled by (released code); real: the running ones, which steps on real rows alone move",
        choices=("mixed", "real"),
        neutral=True,
    )
    rollback_every: int | None = option(
        100,
        "tune stage: iterations between two validations that keep better weights and undo worse ones; null never "
        "undoes",
        low=1,
    )
    rollback_metric: str = option(
        "val/H", "validation metric of the rollback", choices=("val/H", "val/T1", "val/AUSUC")
    )


@dataclass
class EMTrainerConf(TrainerConf):
    """Pretraining on seen classes, then the EM loop."""

    implementation: ClassVar[str] = "zsl_runner.trainers.em.trainer:EMTrainer"
    requires: ClassVar[frozenset[str]] = frozenset(
        {Capability.LOSS_TERMS, Capability.SYNTHESIZE, Capability.CLASS_PRIORS}
    )
    needs: ClassVar[frozenset[str]] = frozenset({Provision.ZERO_SHOT, Provision.FEATURES, Provision.CLASS_VECTORS})

    kind: str = "em"
    name: str = "em"
    batch_size: int = option(64, "rows of a real batch; draws of a mixed batch", low=2)
    pretrain_steps: int = option(2000, "gradient steps on seen classes before the EM loop", low=0)
    em: EMConf = section(EMConf, "the generate-and-learn phase")
    optim: OptimizerConf = section(OptimizerConf, "optimiser of all networks (released code: Adam, lr 1e-4)")

    def optimisers(self) -> dict[str, OptimizerConf]:
        """The same settings for both groups of networks."""
        return {"autoencoder": self.optim, "prior": self.optim}

    def prior_source(self) -> str:
        """Drawing classes by test frequency needs the frequencies."""
        return "known" if self.em.class_draw == "test_frequency" else "uniform"

    def problems(self) -> Iterable[Problem]:
        """The jittered ratio must stay a share, and something must be trained."""
        low, high = self.em.gen_ratio - self.em.gen_ratio_jitter, self.em.gen_ratio + self.em.gen_ratio_jitter
        if low < 0 or high > 1:
            yield Problem(
                "em.gen_ratio_jitter", f"gen_ratio ± jitter reaches {low:g}..{high:g}; it must stay within 0..1"
            )
        if self.pretrain_steps + self.em.iterations == 0:
            yield Problem("pretrain_steps", "is 0 and em.iterations is 0: nothing would be trained")
        if not self.em.train_prior and self.em.train_prior_dropout:
            yield Problem("em.train_prior_dropout", "acts on a prior network that learns; em.train_prior is false")
        if self.em.prior_dropout and self.em.train_prior_dropout == 0:
            yield Problem("em.prior_dropout", "drops nothing while em.train_prior_dropout is 0; give a rate, or null")

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """A rate of dropout needs a prior network that has some."""
        if isinstance(model, GaussianPriorConf):
            yield from model.undroppable(self.em.train_prior_dropout, "em.train_prior_dropout")

    def serves_validations(self) -> tuple[str, ...]:
        """Steps are undone by validation metrics."""
        return "em.rollback_every", "em.rollback_metric"

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where the phase, or the rollback, is left out."""
        if self.em.iterations == 0:
            others = [entry.name for entry in fields(self.em) if entry.name != "iterations"]
            yield from idle("em.iterations=0", *(f"em.{name}" for name in others))
        elif self.em.gen_ratio + self.em.gen_ratio_jitter == 0:
            yield from idle("em.gen_ratio=0 and em.gen_ratio_jitter=0", *(f"em.{name}" for name in OF_GENERATED_ROWS))
        if self.em.rollback_every is None:
            yield from idle("em.rollback_every=null", "em.rollback_metric")

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what has no effect with the model's networks."""
        if not isinstance(model, GaussianPriorConf):
            return
        if not (model.decoder.is_deep() and model.decoder.dropout):
            yield from idle("a decoder without dropout", "em.decoder_dropout")
        if not (model.prior_dropout() if self.em.train_prior_dropout is None else self.em.train_prior_dropout):
            yield from idle("a prior network without dropout", "em.prior_dropout")
        networks = model.networks() if self.em.train_prior else model.autoencoder()
        if not any(network.batch_norm for network in networks if network.is_deep()):
            yield from idle("learning networks without batch norm", "em.norm_statistics")
        if not self.pretrain_steps and not self.em.train_prior:
            why = "trainer.pretrain_steps=0 and trainer.em.train_prior=false: no class prior moves"
            yield from idle(why, *model.moves_priors(), part="model")
