"""Adversarial training of feature generators: f-CLSWGAN, f-VAEGAN-D2, TF-VAEGAN and Bi-VAEGAN on one schedule.

Every step of the loop is one generator iteration: perhaps a regressor block (level 1), a block of critic steps, and one
step of encoder and generator (level 2). The labels of unlabelled rows are never part of the training data; a test
shuffles them and demands equal weights.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

import torch
from torch import Tensor

from zsl_runner.class_prior.estimate import estimate
from zsl_runner.classifiers.conf import Schedule
from zsl_runner.classifiers.softmax import fit_softmax
from zsl_runner.data.zero_shot.folds import ZeroShotTraining
from zsl_runner.errors import DataError
from zsl_runner.models.feature_gan.conf import FeatureGANConf
from zsl_runner.models.feature_gan.model import FeatureGAN
from zsl_runner.streams import Streams, derived_seed
from zsl_runner.trainers.feature_gan.conf import ESTIMATED, FeatureGANTrainerConf
from zsl_runner.trainers.feature_gan.critic_block import CriticBlock
from zsl_runner.trainers.feature_gan.draws import Drawing, Rows
from zsl_runner.trainers.feature_gan.generator_step import GeneratorStep
from zsl_runner.trainers.feature_gan.regression import RegressorBlock, RegressorRows
from zsl_runner.training.base import Drawn, Phase, Step, StepReport, Trainer, TrainingContext, ended_early
from zsl_runner.training.epochs import EpochClock

SNAPSHOT_ROWS = 300
"""Generated rows kept from before the transductive phase, for the figure that compares both."""


@dataclass(frozen=True)
class IterationDraw(Drawn):
    """What is decided of an iteration.

    Attributes:
        critic: rows of the critics' steps; unlabelled ones if the unseen critic takes part.
        regressor: rows of a regressor block; None for no block.
        loop: strength of the feedback loop; None generates in one pass.
    """

    critic: Rows
    regressor: RegressorRows | None
    loop: float | None


class FeatureGANTrainer(Trainer):
    """Phases ``inductive`` and, in the transductive mode, ``transductive``.

    Args:
        conf: the procedure's options.
        context: what it works on; its data must hold an unlabelled pool in the transductive mode.

    Attributes:
        clock: counts generator iterations by epochs.

    Raises:
        DataError: too few rows for a batch norm, or negative features for a generator that makes none.
        TypeError: the model is of another family.
        ValueError: the transductive mode without an unlabelled pool.
    """

    context: TrainingContext[ZeroShotTraining]

    def __init__(self, conf: FeatureGANTrainerConf, context: TrainingContext[ZeroShotTraining]) -> None:
        super().__init__(conf, context)
        if not isinstance(context.model, FeatureGAN):
            raise TypeError(f"{type(context.model).__name__} is no feature-generating network")
        if conf.mode == "transductive" and context.data.unlabelled is None:
            raise ValueError("transductive training needs the unlabelled pool")
        self.conf = conf
        self.model = model = context.model
        self.drawing = Drawing(context.data, context.streams, conf.batch_size, model.latent)
        _require_reachable(model.conf, context.data, self.drawing.size)
        self.critics = CriticBlock(context, model, conf.critic_steps)
        self.generator_step = GeneratorStep(context, model)
        level_1 = model.conf.regressor == "level_1"
        self.regressor_block = RegressorBlock(context, model, self.drawing, conf.regressor_steps) if level_1 else None
        loops = 2 if model.conf.feedback_loop else 1
        self.clock = EpochClock(loops * (conf.epoch_steps or ceil(len(context.data.features) / self.drawing.size)))
        self._before_transduction: Tensor | None = None

    def phases(self) -> Sequence[Phase]:
        """Return the phases; one of no epochs is left out."""
        inductive = self.conf.epochs if self.conf.mode == "inductive" else self.conf.warmup_epochs
        lengths = {"inductive": inductive, "transductive": self.conf.epochs - inductive}
        return [
            Phase(
                name,
                self.clock.steps(epochs),
                Step(partial(self._draw, name == "transductive"), self._compute, self.clock.tick),
                begin=partial(self._begin, name == "transductive"),
                validate_every=self.clock.steps(self.conf.evaluate_every),
            )
            for name, epochs in lengths.items()
            if epochs
        ]

    def _begin(self, transductive: bool) -> None:
        if self.clock.done == 0 and self.model.conf.weights.classification:
            self._fit_seen_classifier()
        if transductive:
            vectors = self._unseen_vectors()
            vectors = vectors.repeat(ceil(SNAPSHOT_ROWS / len(vectors)), 1)
            self._before_transduction = self.model.synthesize(
                vectors, Streams(self.context.streams.seed, vectors.device)
            )
            if not self.clock.between_epochs:  # options for debugging shortened the phase before
                self._estimate_prior()

    def _unseen_vectors(self) -> Tensor:
        vectors: Tensor = self.context.data.class_vectors[self.context.data.unseen_classes]
        return vectors

    def _fit_seen_classifier(self) -> None:
        data, conf = self.context.data, self.conf.seen_classifier
        schedule = Schedule(conf.epochs, conf.lr, conf.batch_size, betas=(0.5, 0.999), init_std=0.02)
        features = torch.cat([x for _, x in data.features.blocks(4096)])
        positions = torch.searchsorted(data.labelled_classes, data.labels)
        generator = self.context.streams["seen_classifier"]
        fitted = fit_softmax(features, positions, len(data.labelled_classes), schedule, generator)
        self.model.seen_classifier_weight[data.labelled_classes] = fitted.weight
        self.model.seen_classifier_bias[data.labelled_classes] = fitted.bias

    def _draw(self, transductive: bool) -> IterationDraw:
        conf = self.conf
        if transductive and self.clock.between_epochs:
            self._estimate_prior()
        block = self.regressor_block if self.clock.done % conf.regressor_every == 0 else None
        judged = transductive and self.model.unseen_critic is not None
        return IterationDraw(
            critic=self.drawing.rows(conf.critic_steps, "critic", judged),
            regressor=None if block is None else block.draw(transductive),
            loop=self._loop(),
        )

    def _compute(self, drawn: IterationDraw) -> StepReport:
        conf, model, drawing = self.conf, self.model, self.drawing
        model.train()
        terms: dict[str, Tensor] = {}
        real_rows = drawing.size * (conf.critic_steps + 1)
        if self.regressor_block is not None and drawn.regressor is not None:
            terms |= self.regressor_block(drawn.regressor)
            real_rows += drawing.size * conf.regressor_steps
        judged = drawn.critic.unlabelled is not None
        seen = drawing.seen(drawn.critic, "critic")
        unseen = drawing.unseen(drawn.critic, "critic") if judged else None
        block = self.critics(seen, unseen, drawn.loop)
        terms |= block.terms
        unseen_classes = block.unseen
        if unseen_classes is None and self.generator_step.needs_unseen:
            unseen_classes = drawing.unseen_classes(drawing.size, "generator")
        fresh = partial(drawing.noise, drawing.size)
        terms |= self.generator_step(
            block.seen.with_noise(fresh("generator_seen")),
            None if unseen_classes is None else unseen_classes.with_noise(fresh("generator_unseen")),
            fresh("generator_code"),
            judged,
            drawn.loop,
        )
        batch = {"x": block.seen.real, "labels": block.seen.labels}
        return StepReport(terms, real_rows, batch)

    def _loop(self) -> float | None:
        """Return the feedback's strength in the second half of each epoch of a model that has a feedback loop."""
        if not self.model.conf.feedback_loop or self.clock.step < self.clock.steps_in_epoch // 2:
            return None
        return self.model.conf.feedback_train

    def _estimate_prior(self) -> None:
        """Estimate the class prior, if it is to be: from unlabelled rows, with numbers of seed and iteration alone."""
        if self.conf.class_prior not in ESTIMATED:
            return
        data, seed = self.context.data, self.context.streams.seed
        assert data.unlabelled is not None
        estimated = estimate(
            self.conf.class_prior,
            self.model,
            data.unlabelled,
            self._unseen_vectors(),
            self.conf.prior_classifier,
            Streams(derived_seed(seed, f"class_prior/{self.clock.done}"), data.features.device),
        )
        self.drawing.class_prior.copy_(estimated)

    def shown(self) -> dict[str, Tensor]:
        """Return the class prior in use and, if there was a transductive phase, generated rows from before it."""
        if self.conf.mode == "inductive":
            return {}
        shown = {"class_prior": self.drawing.class_prior}
        if self._before_transduction is not None:
            shown["before_transduction"] = self._before_transduction
        return shown

    def warnings(self) -> list[str]:
        """Return what training ended before, as one may whose length was chosen on validation rows.

        That is a step with unlabelled rows, or one of the feedback network: the length is in steps, and the second half
        of an epoch, which has more of them in the final stage, begins later there.
        """
        told, ended = [], f"training ended after {self.clock.done} steps"
        # Not the number of steps: phases may have been shortened.
        if self.conf.mode == "transductive" and self._before_transduction is None:
            inductive = f"within the {self.clock.steps(self.conf.warmup_epochs)} inductive ones at the start"
            within = f"trainer.mode=transductive, but {ended}, {inductive}"
            told.append(ended_early(within, "no unlabelled row was seen", "trainer.warmup_epochs"))
        if self.model.conf.feedback_loop and self.clock.done <= self.clock.steps_in_epoch // 2:
            missed = "the feedback network, through which features are generated, has learned nothing"
            told.append(ended_early(f"trainer {self.conf.name}: {ended}", missed, "trainer.epoch_steps"))
        return told

    def state_dict(self) -> dict[str, Any]:
        """Return the iteration, the penalty weights, the class prior and the rows kept for the figure."""
        return {
            "iteration": self.clock.done,
            "penalty_weights": self.critics.state_dict(),
            "class_prior": self.drawing.class_prior.clone(),
            "before_transduction": self._before_transduction,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take up the state that `state_dict` returned."""
        self.clock.done = state["iteration"]
        self.critics.load_state_dict(state["penalty_weights"])
        self.drawing.class_prior.copy_(state["class_prior"])
        self._before_transduction = state["before_transduction"]


def _require_reachable(conf: FeatureGANConf, data: ZeroShotTraining, batch: int) -> None:
    """Refuse what shows in the rows alone: batches of one for a batch norm, and negative features for a ReLU."""
    if conf.encoder == "batch_norm" and batch < 2:
        pool = "" if data.unlabelled is None else f" and {len(data.unlabelled)} unlabelled"
        raise DataError(
            f"model.encoder=batch_norm needs batches of two rows or more; found {len(data.features)} training{pool} "
            "rows in this stage: get more, or choose model.encoder=two_layer"
        )
    if conf.output == "relu":
        least = min(float(x.min()) for _, x in data.features.blocks(4096))
        if least < 0:
            raise DataError(
                f"model.output=relu makes no negative feature, found training features down to {least:.4g}; choose "
                "dataset.feature_scaling=minmax, or model.output=identity"
            )
