"""One step of encoder and generator (and of the feedback network in its epochs); critics and regressor stand still."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.models.networks import at_least_fp32
from zsl_runner.objectives.gaussian import kl_divergence
from zsl_runner.trainers.base import TrainingContext
from zsl_runner.trainers.feature_gan.draws import Draws
from zsl_runner.trainers.feature_gan.losses import RECONSTRUCTIONS, REGRESSION_LOSSES


class GeneratorStep:
    """Minimises reconstruction, divergence and the judgements of critics, regressor and seen classifier.

    Args:
        context: data, optimisers and runtime of the run.
        model: the networks.
    """

    def __init__(self, context: TrainingContext, model: FeatureGAN) -> None:
        self.model = model
        self.weights = model.conf.weights
        self._context = context
        self._reconstruction = RECONSTRUCTIONS[model.conf.reconstruction]
        self._regression = REGRESSION_LOSSES[model.conf.regression_loss]
        conf = model.conf
        self._feeds_back = self.weights.feedback > 0 and model.regressor is not None
        self.needs_unseen = self._feeds_back and conf.regressor == "level_1"

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
            terms = self._terms(seen, unseen, code_noise, transductive, loop)
            loss = torch.stack(list(terms.values())).sum()
        groups = ["generator"]
        if self.model.encoder is not None:
            groups.append("encoder")
        if loop is not None:
            groups.append("feedback")
        if self.model.conf.regressor_learns_from_generated:
            groups.append("regressor")
        self._context.optimisers.minimize(loss, *groups)
        return {name: term.detach() for name, term in terms.items()} | {"loss": loss.detach()}

    def _terms(
        self, seen: Draws, unseen: Draws | None, code_noise: Tensor, transductive: bool, loop: float | None
    ) -> dict[str, Tensor]:
        model, weights = self.model, self.weights
        size = len(seen.vectors)
        terms: dict[str, Tensor] = {}
        noises, vectors = [], []
        if model.encoder is not None:
            code, mean, log_var = model.encode(seen.real, seen.vectors, code_noise)
            if weights.kl:
                zero = torch.zeros_like(mean[:1])
                terms["kl"] = weights.kl * kl_divergence(mean, log_var, zero, zero).mean()
            noises.append(code)
            vectors.append(seen.vectors)
        if not model.conf.encoded_noise:
            noises.append(seen.noise)
            vectors.append(seen.vectors)
        if unseen is not None:
            noises.append(unseen.noise)
            vectors.append(unseen.vectors)
        generated_rows = model.generate(torch.cat(noises), torch.cat(vectors), loop)
        generated = torch.split(generated_rows, [len(part) for part in noises])
        if model.encoder is not None and weights.reconstruction:
            terms["reconstruction"] = weights.reconstruction * self._reconstruction(generated[0], seen.real)
        fake = generated[0 if model.conf.encoded_noise or model.encoder is None else 1]
        unseen_fake = generated[-1] if unseen is not None else None
        if weights.generator:
            terms["generator"] = -weights.generator * model.critic(fake, seen.vectors, fixed=True).mean()
        if transductive and weights.unseen_generator and model.unseen_critic is not None:
            assert unseen is not None
            assert unseen_fake is not None
            condition = unseen.vectors if model.conf.unseen_critic == "pseudo_conditional" else None
            judged = model.unseen_critic(unseen_fake, condition, fixed=True).mean()
            terms["unseen_generator"] = -weights.unseen_generator * judged
        if self._feeds_back:
            assert model.regressor is not None
            source, wanted = (fake, seen.vectors) if model.conf.regressor == "joint" else (unseen_fake, None)
            if wanted is None:
                assert unseen is not None
                wanted = unseen.vectors
            assert source is not None
            regressed = model.regressor(source, fixed=not model.conf.regressor_learns_from_generated)
            terms["feedback"] = weights.feedback * self._regression(regressed, wanted)
        if weights.classification:
            terms["classification"] = weights.classification * self._classification(fake, seen.labels)
        assert len(fake) == size
        return terms

    def _classification(self, fake: Tensor, labels: Tensor) -> Tensor:
        """Return the cross-entropy of generated rows among the seen classes, under the fixed softmax."""
        classes = self._context.data.seen_classes
        logits = F.linear(fake, self.model.seen_classifier_weight[classes], self.model.seen_classifier_bias[classes])
        return F.cross_entropy(at_least_fp32(logits), torch.searchsorted(classes, labels))
