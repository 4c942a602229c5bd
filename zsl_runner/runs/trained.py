"""What a run is good for after training: it generates, predicts, encodes and is scored, with its own data or others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from zsl_runner.config.quoting import anew
from zsl_runner.config.registry import built
from zsl_runner.config.schema import EvaluatorConf, RunConfig
from zsl_runner.data.load import cut_folds, load
from zsl_runner.data.records import Records
from zsl_runner.data.stages import AnyFold
from zsl_runner.data.zero_shot.new_rows import (
    class_ids,
    class_names,
    own_class_vectors,
    own_names,
    with_classes,
    with_records,
    zero_shot_fold,
    zero_shot_training,
)
from zsl_runner.data.zero_shot.options import ZeroShotConf
from zsl_runner.errors import ConfigError, RunError
from zsl_runner.evaluation.base import AnyEvaluator
from zsl_runner.evaluation.image_outputs import Codes, LabelMaps, Samples
from zsl_runner.evaluation.predictions import Predictions, joined
from zsl_runner.models.base import FeatureGenerator, Model
from zsl_runner.models.networks import evaluating, finite
from zsl_runner.models.returned import of_shape
from zsl_runner.runs.result import Result
from zsl_runner.streams import Streams, derived_seed
from zsl_runner.training.runtime import Runtime

Block = TypeVar("Block", Predictions, LabelMaps, Samples)

GENERATED = 1024
"""Features generated at a time."""


@dataclass(frozen=True, repr=False)
class TrainedRun:
    """A run as its newest checkpoint left it.

    Attributes:
        directory: the run's directory.
        config: its configuration.
        model: the networks with the checkpoint's weights.
        fold: what the stage trained on, and the rows to score: those of the test split if the run has read it.
        evaluator: the run's evaluator.
        choices: what the evaluator chose on validation data, for scoring the test rows.
        step: global step of the checkpoint.
        stage: name of the stage.
        steps_done: steps done in that stage.
        complete: whether the stage is finished.
        result: its record: what it was, what it cost and what it measured, see docs/runs.md.
        data: the data set as arrays, all splits of it.
        runtime: how it computes.
        own_classes: names of classes that `with_classes` added to those of the data set.
        is_of_others: whether `with_pictures` put others in place of the data set's images.
    """

    directory: Path
    config: RunConfig
    model: Model
    fold: AnyFold
    evaluator: AnyEvaluator
    choices: Mapping[str, float]
    step: int
    stage: str
    steps_done: int
    complete: bool
    result: Result
    data: Records
    runtime: Runtime
    own_classes: tuple[str, ...] = ()
    is_of_others: bool = False

    def __repr__(self) -> str:
        """Return which run it is; the arrays would fill pages."""
        what = f"{self.config.model.name} on {self.config.dataset.name}, seed {self.config.seed}"
        return f"TrainedRun({str(self.directory)!r}: {what}, {self.stage} stage, {self.status})"

    @property
    def status(self) -> str:
        """What the record says of the whole run, e.g. ``complete``."""
        return self.result.status

    @property
    def classes(self) -> tuple[str, ...]:
        """The names of all classes, by number; those of `with_classes` come last.

        Raises:
            DataError: the data have no classes described by vectors.
        """
        return class_names(self.data) + self.own_classes

    def with_classes(self, class_vectors: ArrayLike | Tensor, names: Sequence[str]) -> TrainedRun:
        """Return the run with other unseen classes, which need not be in the data set: vectors describe them.

        They take the place of the stage's unseen classes: the returned run predicts among the seen classes and
        these, and generates features of all. Nothing is trained again, and no row of theirs is needed.

        Args:
            class_vectors: (k, A), each entry as in the files of the data set (`data.class_vectors`), before
                ``dataset.semantic_scaling``.
            names: k names, all different and none that of a class of this run.

        Raises:
            RunError: the data have no classes described by vectors; the vectors are no finite numbers of the width
                A; or the names do not fit.
        """
        names = own_names(names, self.classes)
        fold = zero_shot_fold(self.fold)
        conf = self.config.dataset
        assert isinstance(conf, ZeroShotConf)  # its fold is
        vectors = own_class_vectors(class_vectors, self.data, conf.semantic_scaling, fold.evaluation.seen_classes)
        return replace(self, fold=with_classes(fold, vectors, names), own_classes=self.own_classes + names)

    def with_pictures(self, folder: str | Path) -> TrainedRun:
        """Return the run with the pictures of a folder, and nothing known of them, in place of those it is scored on.

        They are read as those of the data set are, with its ``side`` and so on. `label_maps` and `codes` are of them.

        Args:
            folder: the pictures in it and in folders below it are read.

        Raises:
            RunError: the data set is not of picture files; there is no picture, or one cannot be read.
        """
        conf = self.config.dataset
        if not conf.other_pictures:
            raise ConfigError(
                f"{self.directory}: data set {conf.name} is not read from picture files, so other pictures cannot be "
                "read as its own are"
            )
        data: Records = built(conf.other_pictures, conf, self.data, Path(folder))
        folds = cut_folds(data, conf, self.config.trainer, self.runtime.device, self.config.evaluator.reads)
        return replace(self, data=data, fold=folds.tested(self.stage), is_of_others=True)

    def generate(self, classes: str | int | Sequence[str | int], n: int, seed: int = 0) -> NDArray[np.float32]:
        """Generate features of some classes in the scale of the data set, as it is before `feature_scaling`.

        Where the scaling projects rows onto a sphere, their norms are unknown; see
        `zsl_runner.data.zero_shot.scaling.FeatureScaling.undo`.

        Args:
            classes: names or numbers of classes, seen or unseen; one alone stands for a list of one.
            n: features of each.
            seed: the same seed gives the same features.

        Returns:
            (classes, n, D).

        Raises:
            RunError: the model generates no features of a class, a class is unknown, or ``n`` is no positive number.
            NonFiniteError: the model generates NaN or infinity.
        """
        if not isinstance(self.model, FeatureGenerator):
            raise RunError(f"{self.directory}: model {self.config.model.name} generates no features of classes")
        train = zero_shot_training(self.fold.train)
        ids = class_ids(classes, self.classes)
        if not isinstance(n, int) or n < 1:
            raise RunError(f"n: expected a positive number of features of each class, found {n!r}")
        wanted = torch.tensor(ids, device=train.class_vectors.device)
        vectors = train.class_vectors[wanted].repeat_interleave(n, 0)
        streams = Streams(derived_seed(seed, "opened_run"), vectors.device)
        with self.runtime.in_force(), evaluating(self.model), torch.no_grad():
            blocks = [self.model.synthesize(block, streams) for block in torch.split(vectors, GENERATED)]
            made = of_shape(torch.cat(blocks), self.model, "synthesize", len(vectors), train.features.width)
            own = train.features.in_own_scale(finite("generated features", made))
        return own.reshape(len(ids), n, -1).cpu().numpy()

    def predict(self, rows: ArrayLike | Tensor, among: str = "all", calibrated: bool = False) -> PredictedRows:
        """Assign rows to classes as the run's evaluator does.

        Args:
            rows: (n, D) features in the scale of the data set.
            among: ``all`` classes of the stage, seen and unseen, or the ``unseen`` ones alone.
            calibrated: subtract the offset that validation chose from the scores of seen classes (calibrated
                stacking), as in H_cal.

        Raises:
            RunError: the run's evaluator assigns no rows to classes; the rows are not finite numbers of the features'
                width; or the run has no offset, or there are no seen classes to subtract it from.
        """
        if among not in ("all", "unseen"):
            raise RunError(f"among: expected all or unseen, found {among!r}")
        if calibrated and among == "unseen":
            raise RunError("calibrated: the offset lies between seen and unseen classes, which among='all' has")
        (everywhere,) = joined(self.assign(rows))
        found = everywhere if among == "all" else everywhere.among_unseen
        assert found is not None  # the rows are taken for those of unseen classes
        predicted = found.calibrated if calibrated else found.predicted
        if predicted is None:
            raise RunError(
                f"{self.directory}: no offset was chosen on validation classes; a run with evaluator.calibration=val "
                "has one in its final stage"
            )
        ids = predicted.cpu().numpy()
        names = self.classes
        return PredictedRows(
            classes=tuple(names[label] for label in ids),
            ids=ids,
            candidates=tuple(names[label] for label in found.candidates.tolist()),
            scores=found.scores.cpu().numpy(),
        )

    def assign(self, rows: ArrayLike | Tensor) -> Iterator[Predictions]:
        """Assign rows to classes as the run's evaluator does: among all and among the unseen ones, with calibration.

        Args:
            rows: (n, D) features in the scale of the data set.

        Returns:
            Blocks of the rows; each is scored when it is asked for.

        Raises:
            RunError: the run's evaluator assigns no rows to classes; or the rows are not finite numbers of the
                features' width.
        """
        with self.runtime.in_force():
            blocks = iter(self.evaluator.predict(self.model, self.fold, rows, self.choices))
        return self._one_by_one(blocks)

    def _one_by_one(self, blocks: Iterator[Block]) -> Iterator[Block]:
        while True:
            with self.runtime.in_force():  # not around what is yielded
                block = next(blocks, None)
            if block is None:
                return
            yield block

    def label_maps(self, of_training: bool = False) -> Iterator[LabelMaps]:
        """Find the class of each pixel of images, as the run's evaluator does.

        Args:
            of_training: of the training images, where the tags they have take part; otherwise of the rows to score.

        Returns:
            Blocks of the images; each is computed when it is asked for.

        Raises:
            RunError: the run's evaluator finds no classes of pixels, or not of training images.
        """
        self._require_training_images(of_training)
        found = self.evaluator.label_maps(self.model, self.fold, self.choices, of_training=of_training)
        return self._one_by_one(iter(found))

    def codes(self, of_training: bool = False) -> Codes:
        """Return the codes of the images to score, or of the training images.

        Raises:
            RunError: the run's evaluator knows of no codes of images.
        """
        self._require_training_images(of_training)
        with self.runtime.in_force():
            return self.evaluator.codes(self.model, self.fold.evaluation, of_training=of_training)

    def samples(self, per_class: int, seed: int = 0) -> Iterator[Samples]:
        """Make images of codes drawn from the model's prior.

        Args:
            per_class: images of each class, or in all if the model is told no classes.
            seed: the same seed gives the same images on a machine.

        Returns:
            Blocks of images; each is computed when it is asked for.

        Raises:
            RunError: the run's model makes no images, or ``per_class`` is no positive number.
        """
        if not isinstance(per_class, int) or per_class < 1:
            raise RunError(f"per_class: expected a positive number of images, found {per_class!r}")
        generator = Streams(derived_seed(seed, "opened_run"), self.runtime.device)["samples"]
        return self._one_by_one(self.evaluator.samples(self.model, self.fold.evaluation, per_class, generator))

    def _require_training_images(self, of_training: bool) -> None:
        if of_training and self.is_of_others:
            raise RunError(f"{self.directory}: the run has other pictures in place of its own; none are for training")

    def scored_by(self, conf: EvaluatorConf) -> TrainedRun:
        """Return the run with other settings of its evaluator, on the same validation rows.

        Args:
            conf: the settings; see `zsl_runner.config.rescore.rescored`.

        Raises:
            ConfigError: the run is scored on test rows, on which no setting is tried.
        """
        if self.fold.evaluation.name == "test":
            raise ConfigError(
                f"{self.directory}: the run is scored on its test rows, and a setting tried there is chosen on test "
                f"labels; try it on validation rows, with a run of the tune stage alone: "
                f"{anew(self.directory, 'evaluator.stages=[tune]')}"
            )
        evaluator = built(conf.implementation, conf, self.config.seed)
        return replace(self, config=replace(self.config, evaluator=conf), evaluator=evaluator)

    def other_rows(self, folder: Path) -> tuple[AnyFold, Records, list[str]]:
        """Return the fold with the rows of another folder to evaluate on, these data, and what to know about them.

        Args:
            folder: files in the layout of the run's data, with the same classes by name.

        Raises:
            ConfigError: the run's data are not of files in a folder, or the files do not fit the run.
            DataError: the files are missing or damaged.
        """
        own = zero_shot_fold(self.fold)
        conf = self.config.dataset
        assert isinstance(conf, ZeroShotConf)  # its fold is
        others = load(conf.moved_to(str(folder)))
        fold, remarks = with_records(own, others)
        return fold, others, remarks


@dataclass(frozen=True, repr=False)
class PredictedRows:
    """Rows with their classes.

    Attributes:
        classes: n names of the predicted classes.
        ids: (n,) int64 their numbers.
        candidates: C names, the columns of ``scores``.
        scores: (n, C); the largest of a row wins, or would without calibration.
    """

    classes: tuple[str, ...]
    ids: NDArray[np.int64]
    candidates: tuple[str, ...]
    scores: NDArray[np.float32]

    def __repr__(self) -> str:
        """Return how many there are."""
        return f"PredictedRows({len(self.ids)} rows, {len(self.candidates)} candidates)"
