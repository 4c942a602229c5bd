"""One step of encoder and generator (of the feedback network in its half of an epoch); critics and regressor rest."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.objectives.gaussian import kl_divergence
from zsl_runner.objectives.precision import at_least_fp32
from zsl_runner.trainers.feature_gan.draws import Draws
from zsl_runner.trainers.feature_gan.losses import RECONSTRUCTIONS, REGRESSION_LOSSES
from zsl_runner.training.base import TrainingContext


class GeneratorStep:
    """Minimises reconstruction, divergence and the judgements of critics, regressor and seen classifier.

    Args:
        context: data, optimisers and runtime of the run.
        model: the networks.
    """

    def __init__(self, context: TrainingContext[ZeroShotTraining], model: FeatureGAN) -> None:
        self.model = model
        self.weights = model.conf.weights
        self._context = context
        self._reconstruction = RECONSTRUCTIONS[model.conf.reconstruction]
        self._regression = REGRESSION_LOSSES[model.conf.regression_loss]
        conf = model.conf
        self._feeds_back = self.weights.feedback > 0 and model.regressor is not None
        self.needs_unseen = self._feeds_back and conf.regressor == "level_1"
        self._loss_terms = context.runtime.compile(self._terms)

    def __call__(
        self, seen: Draws, unseen: Draws | None, code_noise: Tensor, transductive: bool, loop: float | None
    ) -> dict[str, Tensor]:
        """Take one step and return the weighted terms, detached.

        Args:
            seen: a batch of real rows, with fresh noise.
            unseen: a batch of unseen class vectors, with fresh noise.
            code_noise: (B, Z) from N(0, I), for sampling the code.
            transductive: whether the unseen critic judges.
            loop: strength of the feedback loop; None generates in one pass.
        """
        with self._context.runtime.autocast():
            terms = self._loss_terms(seen, unseen, code_noise, transductive, loop)
        groups = ["generator"]
        if self.model.encoder is not None:
            groups.append("encoder")
        if loop is not None:
            groups.append("feedback")
        if self.model.conf.regressor_learns_from_generated:
            groups.append("regressor")
        return self._context.minimize_terms(terms, *groups)

    def _terms(
        self, seen: Draws, unseen: Draws | None, code_noise: Tensor, transductive: bool, loop: float | None
    ) -> dict[str, Tensor]:
        model, conf, weights = self.model, self.model.conf, self.weights
        terms: dict[str, Tensor] = {}
        inputs: dict[str, tuple[Tensor, Tensor]] = {}
        if model.encoder is not None:
            code, mean, log_var = model.encode(seen.real, seen.vectors, code_noise)
            if weights.kl:
                zero = torch.zeros_like(mean[:1])
                terms["kl"] = weights.kl * kl_divergence(mean, log_var, zero, zero).mean()
            inputs["decoded"] = code, seen.vectors
        if not conf.encoded_noise:
            inputs["seen"] = seen.noise, seen.vectors
        if unseen is not None:
            inputs["unseen"] = unseen.noise, unseen.vectors
        generated = self._generate(inputs, loop)
        if "decoded" in generated and weights.reconstruction:
            terms["reconstruction"] = weights.reconstruction * self._reconstruction(generated["decoded"], seen.real)
        fake = generated["decoded" if conf.encoded_noise else "seen"]
        if weights.generator:
            terms["generator"] = -weights.generator * model.critic(fake, seen.vectors, fixed=True).mean()
        if transductive and unseen is not None and model.unseen_critic is not None and weights.unseen_generator:
            condition = unseen.vectors if conf.unseen_critic == "pseudo_conditional" else None
            judged = model.unseen_critic(generated["unseen"], condition, fixed=True).mean()
            terms["unseen_generator"] = -weights.unseen_generator * judged
        if self._feeds_back and model.regressor is not None:
            rows, draws = (generated["unseen"], unseen) if self.needs_unseen else (fake, seen)
            assert draws is not None
            regressed = model.regressor(rows, fixed=not conf.regressor_learns_from_generated)
            terms["feedback"] = weights.feedback * self._regression(regressed, draws.vectors)
        if weights.classification:
            terms["classification"] = weights.classification * self._classification(fake, seen.labels)
        return terms

    def _generate(self, inputs: dict[str, tuple[Tensor, Tensor]], loop: float | None) -> dict[str, Tensor]:
        """Generate the features of all (noise, class vectors) in one pass."""
        noises, vectors = zip(*inputs.values(), strict=True)
        generated = self.model.generate(torch.cat(noises), torch.cat(vectors), loop)
        return dict(zip(inputs, torch.split(generated, [len(noise) for noise in noises]), strict=True))

    def _classification(self, fake: Tensor, labels: Tensor) -> Tensor:
        """Return the cross-entropy of generated rows among the classes with labelled rows, under the fixed softmax."""
        classes = self._context.data.labelled_classes
        logits = F.linear(fake, self.model.seen_classifier_weight[classes], self.model.seen_classifier_bias[classes])
        return F.cross_entropy(at_least_fp32(logits), torch.searchsorted(classes, labels))
