"""The trainer of feature generators as published code writes it: the reference for equality and for speed.

Real, generated and interpolated rows pass a critic separately, the penalty is differentiated twice by autograd, every
batch is generated on its own, gradients are fresh tensors, and the optimisers are torch's defaults. Only what is wrong
in published code is left out: here generated rows are constants in every critic's step.
"""

from __future__ import annotations

from math import ceil

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.config.optimizer import OptimizerConf
from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.models.feature_gan.networks import Critic
from zsl_runner.objectives.gaussian import kl_divergence
from zsl_runner.objectives.perturbation import perturbed
from zsl_runner.streams import Streams
from zsl_runner.trainers.feature_gan.conf import FeatureGANTrainerConf
from zsl_runner.trainers.feature_gan.draws import Drawing, Draws
from zsl_runner.trainers.feature_gan.losses import RECONSTRUCTIONS, REGRESSION_LOSSES


class PlainFeatureGAN:
    """Takes the generator iterations of `FeatureGANTrainer`, on the same numbers if seed and data are the same.

    Everything is covered but an estimated class prior and the fit of the seen classifier, which ``model`` must bring.

    Args:
        conf: the trainer's options.
        model: the networks; they are changed.
        data: the training set.
        streams: generators of their own, seeded like the trainer's.

    Attributes:
        iteration: generator iterations done.
        penalty_weights: factor lambda of each feature critic's penalty.
    """

    def __init__(
        self, conf: FeatureGANTrainerConf, model: FeatureGAN, data: ZeroShotTraining, streams: Streams
    ) -> None:
        self.conf = conf
        self.model = model
        self.data = data
        self.drawing = Drawing(data, streams, conf.batch_size, model.latent)
        self.penalty_weights = dict.fromkeys(("critic", "unseen_critic"), model.conf.penalty.weight)
        self._regression = REGRESSION_LOSSES[model.conf.regression_loss]
        self._reconstruction = RECONSTRUCTIONS[model.conf.reconstruction]
        self._radius = model.radius if model.conf.output == "projection" else None
        self._optimisers = {
            name: default_optimiser(list(network.parameters()), conf.optimisers()[name])
            for name, network in model.networks().items()
        }
        loops = 2 if model.conf.feedback_loop else 1
        self._epoch_steps = loops * ceil(len(data.features) / self.drawing.size)
        self.iteration = 0

    def step(self, transductive: bool) -> None:
        """Take one generator iteration: perhaps a regressor block, the critic steps, one step of encoder and generator.

        Args:
            transductive: whether unlabelled rows take part.
        """
        conf, model, drawing = self.conf, self.model, self.drawing
        model.train()
        if model.conf.regressor == "level_1" and self.iteration % conf.regressor_every == 0:
            self._regressor_block(transductive and model.attribute_critic is not None)
        second = self.iteration % self._epoch_steps >= self._epoch_steps // 2
        loop = model.conf.feedback_train if model.conf.feedback_loop and second else None
        judged = transductive and model.unseen_critic is not None
        rows = drawing.rows(conf.critic_steps, "critic", judged)
        seen = list(drawing.seen(rows, "critic").batches(conf.critic_steps))
        unseen: list[Draws] = []
        if judged:
            unseen = list(drawing.unseen(rows, "critic").batches(conf.critic_steps))
        self._critic_block(seen, unseen, loop)
        classes = unseen[-1] if judged else None
        if classes is None and model.conf.regressor == "level_1" and model.conf.weights.feedback:
            classes = drawing.unseen_classes(drawing.size, "generator")
        self._generator_step(seen[-1], classes, judged, loop)
        self.iteration += 1

    def _regressor_block(self, aligned: bool) -> None:
        steps, drawing = self.conf.regressor_steps, self.drawing
        if aligned:
            rows = drawing.rows(steps, "attribute_critic", True)
            seen = drawing.seen(rows, "attribute_critic").batches(steps)
            unseen = drawing.unseen(rows, "attribute_critic").batches(steps)
            for batch, other in zip(seen, unseen, strict=True):
                self._attribute_critic_step(batch, other)
        rows = drawing.rows(steps, "regressor", aligned)
        batches = drawing.seen(rows, "regressor").batches(steps)
        pools = drawing.unseen(rows, "regressor").batches(steps) if aligned else [None] * steps
        for batch, pool in zip(batches, pools, strict=True):
            self._regressor_step(batch, pool)

    def _attribute_critic_step(self, seen: Draws, unseen: Draws) -> None:
        model, critic, penalty = self.model, self.model.attribute_critic, self.model.conf.penalty
        assert critic is not None
        assert model.regressor is not None
        self._learning("attribute_critic")
        with torch.no_grad():
            fakes = [model.regressor(seen.real), model.regressor(unseen.real)]
        reals = [seen.vectors, unseen.vectors]
        if model.conf.perturbation.critic:
            draws = self.drawing.uniform_like(torch.cat(reals), "attribute_perturbation").chunk(2)
            reals = [perturbed(a, rho, model.conf.perturbation.critic) for a, rho in zip(reals, draws, strict=True)]
        mixed = torch.cat([seen.mix, unseen.mix])
        radius = {"unit": 1.0, "features": model.radius, "none": None}[penalty.attribute_projection]
        raw = gradient_penalty(critic, torch.cat(reals), torch.cat(fakes), mixed, None, radius)
        distance = critic(reals[0]).mean() + critic(reals[1]).mean() - critic(fakes[0]).mean() - critic(fakes[1]).mean()
        loss = model.conf.weights.attribute_critic * (penalty.attribute_weight * raw - distance)
        self._descend(loss, "attribute_critic")

    def _regressor_step(self, seen: Draws, unseen: Draws | None) -> None:
        model, weights = self.model, self.model.conf.weights
        assert model.regressor is not None
        self._learning("regressor")
        regressed = model.regressor(seen.real)
        loss = weights.regression * self._regression(regressed, seen.vectors)
        if unseen is not None:
            assert model.attribute_critic is not None
            judged = model.attribute_critic(regressed).mean()
            judged = judged + model.attribute_critic(model.regressor(unseen.real)).mean()
            loss = loss - weights.attribute_generator * judged
        self._descend(loss, "regressor")

    def _critic_block(self, seen: list[Draws], unseen: list[Draws], loop: float | None) -> None:
        model = self.model
        penalties: dict[str, list[Tensor]] = {"critic": [], "unseen_critic": []}
        for index, batch in enumerate(seen):
            if model.conf.regressor == "joint":
                self._regressor_step(batch, None)
            with torch.no_grad():
                noise = batch.noise
                if model.conf.encoded_noise:
                    noise = model.encode(batch.real, batch.vectors, batch.noise)[0]
                fake = model.generate(noise, batch.vectors, loop)
            penalties["critic"].append(self._critic_step("critic", batch, fake, batch.vectors, batch.vectors))
            if unseen:
                other, real_condition, fake_condition = unseen[index], None, None
                with torch.no_grad():
                    fake = model.generate(other.noise, other.vectors, loop)
                    if model.conf.unseen_critic == "pseudo_conditional":
                        assert model.regressor is not None
                        real_condition, fake_condition = model.regressor(other.real), other.vectors
                penalty = self._critic_step("unseen_critic", other, fake, real_condition, fake_condition)
                penalties["unseen_critic"].append(penalty)
        for name, values in penalties.items():
            if model.conf.penalty.adaptive and values:
                mean = torch.stack(values).mean().item()
                self.penalty_weights[name] *= 1.1 if mean > 1.05 else 1 / 1.1 if mean < 1.001 else 1.0

    def _critic_step(
        self, name: str, batch: Draws, fake: Tensor, real_condition: Tensor | None, fake_condition: Tensor | None
    ) -> Tensor:
        """Take one step of a critic of features and return its penalty."""
        self._learning(name)
        critic: Critic = getattr(self.model, name)
        condition = None
        if real_condition is not None and fake_condition is not None:
            condition = batch.mix * real_condition + (1 - batch.mix) * fake_condition
        penalty = gradient_penalty(critic, batch.real, fake, batch.mix, condition, self._radius)
        distance = critic(batch.real, real_condition).mean() - critic(fake, fake_condition).mean()
        weight: float = getattr(self.model.conf.weights, name)
        self._descend(weight * (self.penalty_weights[name] * penalty - distance), name)
        return penalty.detach()

    def _generator_step(self, seen: Draws, unseen: Draws | None, judged: bool, loop: float | None) -> None:
        model, conf, weights = self.model, self.model.conf, self.model.conf.weights
        groups = ["generator"]
        groups += ["encoder"] if model.encoder is not None else []
        groups += ["feedback"] if loop is not None else []
        groups += ["regressor"] if conf.regressor_learns_from_generated else []
        self._learning(*groups)
        noise, unseen_noise, code_noise = (
            self.drawing.noise(self.drawing.size, f"generator_{side}") for side in ("seen", "unseen", "code")
        )
        fake, loss = None, torch.zeros(())
        if model.encoder is not None:
            code, mean, log_var = model.encode(seen.real, seen.vectors, code_noise)
            rebuilt = model.generate(code, seen.vectors, loop)
            zero = torch.zeros_like(mean[:1])
            loss = weights.kl * kl_divergence(mean, log_var, zero, zero).mean()
            loss = loss + weights.reconstruction * self._reconstruction(rebuilt, seen.real)
            fake = rebuilt if conf.encoded_noise else None
        if fake is None:
            fake = model.generate(noise, seen.vectors, loop)
        loss = loss - weights.generator * model.critic(fake, seen.vectors).mean()
        if weights.classification:
            weight, bias = (
                tensor[self.data.labelled_classes]
                for tensor in (model.seen_classifier_weight, model.seen_classifier_bias)
            )
            positions = torch.searchsorted(self.data.labelled_classes, seen.labels)
            loss = loss + weights.classification * F.cross_entropy(F.linear(fake, weight, bias), positions)
        if unseen is not None:
            unseen_fake = model.generate(unseen_noise, unseen.vectors, loop)
            if judged:
                assert model.unseen_critic is not None
                condition = unseen.vectors if conf.unseen_critic == "pseudo_conditional" else None
                loss = loss - weights.unseen_generator * model.unseen_critic(unseen_fake, condition).mean()
            if conf.regressor == "level_1":
                assert model.regressor is not None
                loss = loss + weights.feedback * self._regression(model.regressor(unseen_fake), unseen.vectors)
        if conf.regressor == "joint":
            assert model.regressor is not None
            loss = loss + weights.feedback * self._regression(model.regressor(fake), seen.vectors)
        self._descend(loss, *groups)

    def _learning(self, *names: str) -> None:
        """Let the named networks learn and no other."""
        for name, network in self.model.networks().items():
            network.requires_grad_(name in names)

    def _descend(self, loss: Tensor, *names: str) -> None:
        for name in names:
            self._optimisers[name].zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        for name in names:
            self._optimisers[name].step()


def gradient_penalty(
    critic: Critic, real: Tensor, fake: Tensor, mix: Tensor, condition: Tensor | None, radius: float | None
) -> Tensor:
    """Return the mean of (gradient norm - 1)^2 at the interpolates, with a graph of the critic's parameters.

    Args:
        critic: scores rows.
        real: (B, d).
        fake: (B, d), constants.
        mix: (B, 1) the real row's share of each interpolate.
        condition: (B, c) conditions of the interpolates, if the critic has any.
        radius: norm to which interpolates are projected; None for straight interpolates.
    """
    mixed = mix * real + (1 - mix) * fake
    if radius is not None:
        mixed = radius * F.normalize(mixed, dim=1)
    mixed.requires_grad_()
    (gradient,) = torch.autograd.grad(critic(mixed, condition).sum(), mixed, create_graph=True)
    penalty: Tensor = (gradient.norm(dim=1) - 1).square().mean()
    return penalty


def default_optimiser(parameters: list[torch.nn.Parameter], conf: OptimizerConf) -> torch.optim.Optimizer:
    """Return Adam or AdamW in the implementation that torch chooses by itself."""
    algorithm = torch.optim.Adam if conf.algorithm == "adam" else torch.optim.AdamW
    beta1, beta2 = conf.betas
    return algorithm(parameters, lr=conf.lr, betas=(beta1, beta2), eps=conf.eps, weight_decay=conf.weight_decay)
