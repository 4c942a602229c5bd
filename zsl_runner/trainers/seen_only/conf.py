"""Options of training on seen classes alone."""

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


@dataclass
class MatchedBudgetConf:
    """The EM schedule whose budget the second phase spends on real rows alone."""

    em_iterations: int = option(0, "iterations of the EM phase to be matched; 0 leaves the second phase out", low=0)
    em_batch_size: int = option(64, "batch size of the EM run to be matched", low=2)
    real_step_prob: float = option(
        0.5, "probability of a real-only step in the EM run to be matched", low=0.0, high=1.0
    )
    gen_ratio: float = option(
        0.9, "share of generated draws in the EM run to be matched", low=0.0, high=1.0, below=True
    )
    train_prior: bool = option(True, "whether the prior network learns in the second phase")


@dataclass
class SeenOnlyTrainerConf(TrainerConf):
    """Gradient steps on real rows of seen classes; nothing is generated."""

    implementation: ClassVar[str] = "zsl_runner.trainers.seen_only.trainer:SeenOnlyTrainer"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.LOSS_TERMS})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.ZERO_SHOT, Provision.FEATURES, Provision.CLASS_VECTORS})

    kind: str = "seen_only"
    name: str = "seen_only"
    batch_size: int = option(64, "rows of a batch", low=2)
    steps: int = option(2000, "gradient steps", low=0)
    matched: MatchedBudgetConf = section(MatchedBudgetConf, "a second phase with the budget of an EM phase")
    prior_dropout: float | None = option(
        None,
        "dropout rate of the prior network in the second phase; null keeps the model's",
        low=0.0,
        high=1.0,
        below=True,
    )
    optim: OptimizerConf = section(OptimizerConf, "optimiser of all networks")

    def optimisers(self) -> dict[str, OptimizerConf]:
        """The same settings for both groups of networks."""
        return {"autoencoder": self.optim, "prior": self.optim}

    def problems(self) -> Iterable[Problem]:
        """Something must be trained, and an option of a phase that is left out must not be set."""
        if self.steps + self.matched.em_iterations == 0:
            yield Problem("steps", "is 0 and matched.em_iterations is 0: nothing would be trained")
        if self.prior_dropout and not self.matched.train_prior:
            yield Problem("prior_dropout", "acts on a prior network that learns; matched.train_prior is false")
        if self.prior_dropout is not None and not self.matched.em_iterations:
            yield Problem("prior_dropout", "acts in the second phase, which matched.em_iterations=0 leaves out")

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """A rate of dropout needs a prior network that has some."""
        if isinstance(model, GaussianPriorConf):
            yield from model.undroppable(self.prior_dropout, "prior_dropout")

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where the second phase is left out."""
        if not self.matched.em_iterations:
            others = [entry.name for entry in fields(self.matched) if entry.name != "em_iterations"]
            yield from idle("matched.em_iterations=0", *(f"matched.{name}" for name in others))

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what moves class priors, where they stay as they are."""
        if isinstance(model, GaussianPriorConf) and not self.steps and not self.matched.train_prior:
            why = "trainer.steps=0 and trainer.matched.train_prior=false: no class prior moves"
            yield from idle(why, *model.moves_priors(), part="model")
