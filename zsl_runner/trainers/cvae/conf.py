"""Options of the training of conditional autoencoders."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability
from zsl_runner.trainers.prediction_conf import OF_RECOGNITION, PredictionTrainerConf


@dataclass
class ConditionalVAETrainerConf(PredictionTrainerConf):
    """A mixture of the conditional bound (alpha = 1) and of the likelihood under prior samples (alpha = 0)."""

    implementation: ClassVar[str] = "zsl_runner.trainers.cvae.trainer:ConditionalVAETrainer"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.PREDICT_OUTPUT, Capability.LATENT_OUTPUT})

    kind: str = "cvae"
    name: str = "cvae"
    alpha: float = option(
        1.0, "weight of the CVAE objective; the GSNN objective has 1 - alpha. 1: CVAE, 0: GSNN", low=0.0, high=1.0
    )
    samples_per_step: int = option(1, "codes L drawn for each row and objective in a step", low=1)
    kl_weight: float = option(
        1.0, "1 + beta, factor of the divergence; the paper found no gain from more than 1", low=0.0
    )
    kl_warmup: int = option(0, "epochs over which kl_weight rises linearly from 0; 0 for none", low=0)

    def problems(self) -> Iterable[Problem]:
        """Yield what has no effect without a divergence."""
        for key, default in (("kl_weight", 1.0), ("kl_warmup", 0)):
            if self.alpha == 0 and getattr(self, key) != default:
                yield Problem(key, "has no effect with alpha=0: the GSNN objective has no divergence")
        if self.alpha and self.kl_warmup and self.kl_weight == 0:
            yield Problem("kl_warmup", "has no effect with kl_weight=0: nothing rises")
        if self.kl_warmup > self.epochs:
            yield Problem("kl_warmup", f"is longer than the training of {self.epochs} epochs")

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what has no effect without a recognition network: a choice of estimates, inferring hidden labels."""
        if self.alpha == 0:
            yield from idle("trainer.alpha=0: the estimate is Monte Carlo", "estimators", part="evaluator")
            yield from idle("trainer.alpha=0, which trains no recognition network", "refinements", part="evaluator")

    def unmeasured(self, model: ModelConf) -> Mapping[str, str]:
        """The GSNN objective trains no recognition network."""
        return {} if self.alpha else dict.fromkeys(OF_RECOGNITION, "alpha=0 trains no recognition network")
