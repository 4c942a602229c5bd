"""CVAE, GSNN and hybrid training (Sohn, Lee and Yan, NeurIPS 2015)."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.data.pairs.folds import Pair, PairTrainingSet
from zsl_runner.graphs.uncompiled import uncompiled
from zsl_runner.models.networks import Gaussians
from zsl_runner.models.output_prediction import Condition, LatentOutputPredictor
from zsl_runner.objectives.gaussian import kl_divergence, reparameterise
from zsl_runner.streams import Streams
from zsl_runner.trainers.cvae.conf import ConditionalVAETrainerConf
from zsl_runner.trainers.predictions import PredictionTrainer
from zsl_runner.training.base import TrainingContext


class ConditionalVAETrainer(PredictionTrainer):
    r"""Minimises $-\alpha L_{CVAE} - (1 - \alpha) L_{GSNN}$ and the model's auxiliary terms.

    Codes of the first objective come from the recognition network, those of the second, independent of them, from the
    prior. With alpha = 0 the recognition network is not trained and does not count as trained.

    Args:
        conf: the procedure's options.
        context: what it works on; the model must be a `LatentOutputPredictor`.
    """

    phase_name = "fit"

    def __init__(self, conf: ConditionalVAETrainerConf, context: TrainingContext[PairTrainingSet]) -> None:
        super().__init__(conf, context)
        if not isinstance(context.model, LatentOutputPredictor):
            raise TypeError(f"{type(context.model).__name__} has no codes")
        self.conf = conf
        self.model = context.model
        self.model.recognises = conf.alpha > 0
        self.groups = ("generation", "recognition") if conf.alpha > 0 else ("generation",)

    def terms(self, pair: Pair, schedule: Tensor) -> dict[str, Tensor]:
        """Return ``reconstruction`` and ``kl`` of the CVAE, ``gsnn``, and the model's auxiliary terms."""
        alpha = self.conf.alpha
        condition = self.model.condition(pair.x)
        prior = self.model.prior(condition)
        terms = {}
        if alpha:
            posterior = self.model.posterior(pair.x, pair.y, pair.valid)
            terms["reconstruction"] = -alpha * self._likelihood(condition, posterior, pair, "noise").mean()
            terms["kl"] = schedule * kl_divergence(*posterior, *prior).mean()
        if alpha < 1:
            terms["gsnn"] = -(1 - alpha) * self._likelihood(condition, prior, pair, "prior_noise").mean()
        return terms | self.model.auxiliary_terms(condition, pair.y, pair.valid)

    def schedule(self) -> float:
        """Return the weight of the divergence, alpha times that of the CVAE, which may rise over the first epochs."""
        weight = self.conf.kl_weight
        if self.conf.kl_warmup:
            weight *= min(1.0, self.clock.done / self.clock.steps(self.conf.kl_warmup))
        return self.conf.alpha * weight

    def snapshot(self, pair: Pair) -> Tensor:
        """Return predictions from codes of the prior, the same noise each time."""
        condition = self.model.condition(pair.x)
        prior = self.model.prior(condition)
        fixed = Streams(self.context.streams.seed, prior.mean.device)["snapshot"]
        noise = torch.randn(prior.mean.shape, generator=fixed, device=prior.mean.device)
        return self.model.mean_output(self.model.generate(condition, reparameterise(*prior, noise)))

    def _likelihood(self, condition: Condition, codes: Gaussians, pair: Pair, stream: str) -> Tensor:
        """Return the (L, B) log-likelihoods of the outputs under codes drawn from ``codes``."""
        shape = (self.conf.samples_per_step, *codes.mean.shape)
        z = reparameterise(*codes, self._noise(shape, stream))
        return self.model.log_likelihood(self.model.generate(condition, z), pair.y, pair.valid)

    @uncompiled
    def _noise(self, shape: tuple[int, ...], stream: str) -> Tensor:
        generator = self.context.streams[stream]
        return torch.randn(shape, generator=generator, device=generator.device)
