"""Training of adversarial autoencoders (Makhzani et al. 2015).

A step of the loop is one minibatch, on which three or four sub-steps follow each other: reconstruction; discriminators
on codes of the encoder that has just been updated; the encoder against the discriminators that have just been updated;
classification on labelled rows. Each minimises its own loss with its own optimiser, over partly the same weights.
With ``encode=once`` a batch is encoded before all updates, and one step serves reconstruction and encoder's game.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from zsl_runner.data.rows import EpochSampler
from zsl_runner.data.views import RowBatch, RowTrainingSet
from zsl_runner.errors import DataError
from zsl_runner.models.adversarial_autoencoder.model import AdversarialAutoencoder
from zsl_runner.models.adversarial_autoencoder.networks import Codes
from zsl_runner.models.latent_priors import sample_categories
from zsl_runner.models.networks import require_normalisable, statistics_kept
from zsl_runner.objectives.adversarial import discriminator_loss, generator_loss
from zsl_runner.objectives.gaussian import squared_error
from zsl_runner.trainers.adversarial_autoencoder.conf import AdversarialAutoencoderTrainerConf
from zsl_runner.training.base import Drawn, Phase, Step, StepReport, Trainer, TrainingContext, detached, total
from zsl_runner.training.epochs import EpochClock

Terms = dict[str, Tensor]


@dataclass(frozen=True)
class RowsDraw(Drawn):
    """The rows of a step.

    Attributes:
        places: (B,) int64, of all rows.
        labelled: (B',) int64, of the labelled rows that are classified; None for none.
    """

    places: Tensor
    labelled: Tensor | None


class AdversarialAutoencoderTrainer(Trainer):
    """One phase, ``adversarial``.

    Args:
        conf: the procedure's options.
        context: what it works on.

    Attributes:
        clock: counts steps by epochs; rows that do not fill a last batch are left to the next epoch's new order.
        step: a step, in its two halves.

    Raises:
        DataError: the variant learns from labelled rows and there are none, or too few for a batch; or there is a
            single training row, and a batch norm.
        TypeError: the model is of another family.
    """

    context: TrainingContext[RowTrainingSet]

    def __init__(self, conf: AdversarialAutoencoderTrainerConf, context: TrainingContext[RowTrainingSet]) -> None:
        super().__init__(conf, context)
        if not isinstance(context.model, AdversarialAutoencoder):
            raise TypeError(f"{type(context.model).__name__} is no adversarial autoencoder")
        self.conf = conf
        self.model = context.model
        labels = self.model.conf.labels
        self.rows = context.data.only_labelled() if labels == "decoder" else context.data
        if labels in ("decoder", "category") and len(self.rows.labelled) < 2:
            raise DataError(
                f"model.labels={labels} learns from rows with a label; expected two or more, found "
                f"{len(self.rows.labelled)}: see dataset.labelled"
            )
        require_normalisable(self.model, len(self.rows), "training", "model.bn=none")
        self._sampler = EpochSampler(len(self.rows), context.streams["batches"])
        self._labelled = (
            EpochSampler(len(self.rows.labelled), context.streams["labelled_batches"]) if labels == "category" else None
        )
        self.clock = EpochClock.of_batches(len(self.rows), conf.batch_size)
        self.step = Step(self._draw, self._compute, self.clock.tick)
        groups = self.model.parameter_groups()
        self._schedules = {name: schedule for name, schedule in conf.schedules().items() if name in groups}
        self._reconstruct = context.runtime.compile(self._reconstruction)
        self._restore = context.runtime.compile(self._restoration)
        self._judge = context.runtime.compile(self._discrimination)
        self._deceive = context.runtime.compile(self._deception)
        self._classify = context.runtime.compile(self._classification)

    def phases(self) -> Sequence[Phase]:
        """Return the one phase."""
        steps, validate_every = self.clock.steps(self.conf.epochs), self.clock.steps(self.conf.evaluate_every)
        return [Phase("adversarial", steps, self.step, validate_every=validate_every)]

    def _draw(self) -> RowsDraw:
        if self.clock.between_epochs:
            self._set_learning_rates(self.clock.epoch)
        places = self._sampler.draw(self.conf.batch_size)
        labelled = None if self._labelled is None else self._labelled.draw(self.conf.labelled_batch_size)
        return RowsDraw(places, labelled)

    def _compute(self, drawn: RowsDraw) -> StepReport:
        self.model.train()
        batch = self.rows.take(drawn.places)
        seen = self._corrupted(batch.x)
        terms = self.one_encoding(batch, seen) if self.conf.encode == "once" else self.two_encodings(batch, seen)
        known = batch
        if drawn.labelled is not None:
            known = self.rows.take_labelled(drawn.labelled)
            terms |= self.classification_step(known)
        real_rows = len(known.x) if self.model.conf.uses_labels() else 0
        return StepReport(terms, real_rows, {"x": batch.x, "labels": batch.labels})

    def _set_learning_rates(self, epochs: int) -> None:
        for name, conf in self._schedules.items():
            self.context.optimisers.set_lr(name, conf.lr_after(epochs))

    def two_encodings(self, batch: RowBatch, seen: Tensor) -> Terms:
        """Take the first three sub-steps in the paper's order; the second and third have the encoder just updated."""
        terms = self.reconstruction_step(batch, seen)
        codes = self.encode(seen)
        terms |= self.discriminator_step(batch, codes)
        return terms | self.generator_step(batch, codes)

    def one_encoding(self, batch: RowBatch, seen: Tensor) -> Terms:
        """Take one step down ``L_rec + game_weight L_gen`` and one of the discriminators, on the codes of one encoding.

        The encoder answers to the discriminators from before their update, as in pythae (Chadebec et al. 2022,
        `Adversarial_AE`) and PyTorch-GAN (`aae.py`).

        Args:
            batch: rows.
            seen: (B, D) what the encoder sees of them.
        """
        with self.context.runtime.autocast():
            codes = self.model.encode(seen, self._posterior_noise(seen))
            restored = self._restore(batch, codes)
            deceived = self._deceive(batch, *self._shown(codes))
            loss = total(restored) + self.conf.game_weight * total(deceived)
        self.context.optimisers.minimize(loss, "reconstruction")
        return detached(restored) | self.discriminator_step(batch, codes) | detached(deceived)

    def reconstruction_step(self, batch: RowBatch, seen: Tensor) -> Terms:
        """Update encoder, decoder and cluster heads.

        Args:
            batch: rows.
            seen: (B, D) what the encoder sees of them.
        """
        with self.context.runtime.autocast():
            terms = self._reconstruct(batch, seen, self._posterior_noise(seen))
        return self._minimised(terms, "reconstruction")

    def encode(self, seen: Tensor) -> Codes:
        """Return codes with their graph: the encoder does not change before it is updated against the discriminators.

        Statistics of batch norm are those of the reconstruction alone, and are left as they are.
        """
        with self.context.runtime.autocast(), statistics_kept(self.model.encoder):
            return self.model.encode(seen, self._posterior_noise(seen))

    def discriminator_step(self, batch: RowBatch, codes: Codes) -> Terms:
        """Update the discriminators on draws of the priors and codes, which are constants here."""
        model, stream = self.model, self.context.streams["prior"]
        prior, drawn = self._blurred(model.prior_codes(batch.labels, stream), model.prior.scale), None
        if model.categories:
            drawn = self._blurred(sample_categories(len(batch.x), model.categories, stream))
        with self.context.runtime.autocast():
            terms = self._judge(batch, prior, drawn, *self._shown(codes.detach()))
        return self._minimised(terms, "discriminator")

    def generator_step(self, batch: RowBatch, codes: Codes) -> Terms:
        """Update the encoder against the discriminators."""
        with self.context.runtime.autocast():
            terms = self._deceive(batch, *self._shown(codes))
        return self._minimised(terms, "generator")

    def classification_step(self, batch: RowBatch) -> Terms:
        """Update the part of the encoder that y depends on, on labelled rows."""
        seen = self._corrupted(batch.x)
        with self.context.runtime.autocast(), statistics_kept(self.model.encoder):
            loss = self._classify(batch, seen, self._posterior_noise(seen))
        self.context.optimisers.minimize(loss, "classification")
        return {"classification": loss.detach()}

    def _minimised(self, terms: Terms, group: str) -> Terms:
        """Take the step of a sub-step and return its terms without their sum: a step of the loop has several."""
        minimised = self.context.minimize_terms(terms, group)
        return {name: minimised[name] for name in terms}

    def _reconstruction(self, batch: RowBatch, seen: Tensor, noise: Tensor | None) -> Terms:
        return self._restoration(batch, self.model.encode(seen, noise))

    def _restoration(self, batch: RowBatch, codes: Codes) -> Terms:
        beside = batch.description if self.model.conf.labels == "decoder" else codes.y
        if self.model.conf.true_label_in_decoder:
            assert beside is not None
            beside = torch.where(batch.is_labelled[:, None], batch.description, beside)
        terms = {"reconstruction": 0.5 * squared_error(batch.x, self.model.decode(codes.z, beside))}
        penalty = self.model.head_penalty()
        return terms if penalty is None else terms | {"heads": penalty}

    def _discrimination(
        self, batch: RowBatch, prior: Tensor, drawn: Tensor | None, z: Tensor, y: Tensor | None
    ) -> Terms:
        model, told = self.model, self.model.told(batch.labels)
        both = model.judge(torch.cat([prior, z]), None if told is None else told.repeat(2, 1))
        terms = {"discriminator": discriminator_loss(*both.chunk(2))}
        if y is not None and drawn is not None:
            both = model.judge_categories(torch.cat([drawn, y]))
            terms["category_discriminator"] = discriminator_loss(*both.chunk(2))
        return terms

    def _deception(self, batch: RowBatch, z: Tensor, y: Tensor | None) -> Terms:
        terms = {"generator": generator_loss(self.model.judge(z, self.model.told(batch.labels)))}
        if y is not None:
            terms["category_generator"] = generator_loss(self.model.judge_categories(y))
        return terms

    def _classification(self, batch: RowBatch, seen: Tensor, noise: Tensor | None) -> Tensor:
        return F.cross_entropy(self.model.encoder.logits(seen, noise), batch.labels)

    def _corrupted(self, x: Tensor) -> Tensor:
        """Return what the encoder sees of rows while training: with noise, and with entries left out."""
        noise, streams = self.conf.noise, self.context.streams
        if noise.std and noise.where == "input":
            x = x + noise.std * torch.randn(x.shape, generator=streams["noise"], device=x.device)
        if self.conf.input_dropout:
            keep = 1 - self.conf.input_dropout
            x = x * (torch.rand(x.shape, generator=streams["dropout"], device=x.device) < keep) / keep
        return x

    def _shown(self, codes: Codes) -> tuple[Tensor, Tensor | None]:
        """Return z and y as the discriminators see them."""
        y = codes.y
        return self._blurred(codes.z, self.model.prior.scale), None if y is None else self._blurred(y)

    def _blurred(self, codes: Tensor, unit: float = 1.0) -> Tensor:
        """Return codes with the discriminators' noise, if any; ``unit`` is what the discriminator divides them by."""
        noise = self.conf.noise
        if not noise.std or noise.where != "discriminator":
            return codes
        drawn = torch.randn(codes.shape, generator=self.context.streams["noise"], device=codes.device)
        return codes + noise.std * unit * drawn

    def _posterior_noise(self, seen: Tensor) -> Tensor | None:
        return self.model.posterior_noise(len(seen), self.context.streams["posterior"])

    def state_dict(self) -> dict[str, Any]:
        """Return the positions of the samplers and the number of steps."""
        labelled = None if self._labelled is None else self._labelled.state_dict()
        return {"sampler": self._sampler.state_dict(), "labelled": labelled, "done": self.clock.done}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self._sampler.load_state_dict(state["sampler"])
        if self._labelled is not None:
            self._labelled.load_state_dict(state["labelled"])
        self.clock.done = state["done"]
