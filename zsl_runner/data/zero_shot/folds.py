"""What a training stage and an evaluator may see of a data set, on the run's device.

A *fold* is a training set without any test label and an evaluation set. The tune stage trains on the training
classes and evaluates on validation classes and held-out training rows; the final stage trains on all seen classes
and evaluates on the test split. In the few-shot setting some labelled rows of unseen classes (of validation classes in
the tune stage) are of the training set instead of the evaluation set. Features are held once: views share one matrix
and scale the rows they hand out.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from zsl_runner.config.schema import DatasetConf, TrainerConf
from zsl_runner.data.records import Records, Rows
from zsl_runner.data.rows import RowView, on_device
from zsl_runner.data.stages import Fold, spread
from zsl_runner.data.zero_shot.draws import held_out_rows
from zsl_runner.data.zero_shot.options import ZeroShotConf
from zsl_runner.data.zero_shot.records import ZeroShotRecords
from zsl_runner.data.zero_shot.scaling import FeatureScaling, scale_class_vectors
from zsl_runner.objectives.normalisation import sum_normalised


@dataclass(frozen=True)
class ZeroShotShape:
    """Sizes a model takes from a zero-shot data set.

    Attributes:
        features: width D of a feature row.
        class_vector: width A of a class vector.
        classes: number K of classes, seen and unseen.
        radius: norm of every scaled feature row, if the scaling ends in a projection onto a sphere.
    """

    features: int
    class_vector: int
    classes: int
    radius: float | None = None


class FeatureView(RowView[Tensor]):
    """Some rows of the feature matrix, scaled when they are read.

    Args:
        matrix: (N, D) all features of the data set, shared by all views.
        rows: (n,) int64 the rows of this view, on the same device.
        scaling: fitted scaling applied to every row handed out.
    """

    def __init__(self, matrix: Tensor, rows: Tensor, scaling: FeatureScaling) -> None:
        self._matrix = matrix
        super().__init__(rows)
        self._scaling = scaling

    @property
    def width(self) -> int:
        """Number of features D."""
        return self._matrix.shape[1]

    @property
    def radius(self) -> float | None:
        """Norm of every scaled row, or None if the scaling does not fix it."""
        return self._scaling.radius

    def take(self, positions: Tensor) -> Tensor:
        """Return the (len(positions), D) scaled features at ``positions`` (int64, 0..n-1) of this view."""
        return self._scaling.apply(self._matrix[self._rows[positions]])

    def part(self, positions: Tensor) -> FeatureView:
        """Return a view of the rows at ``positions`` of this one."""
        return FeatureView(self._matrix, self._rows[positions], self._scaling)

    def others(self, matrix: Tensor) -> FeatureView:
        """Return a view of all rows of another matrix (n, D), scaled as these."""
        return FeatureView(matrix, torch.arange(len(matrix), device=matrix.device), self._scaling)

    def unscaled(self) -> FeatureView:
        """Return a view of the same rows in the scale of the data set."""
        return FeatureView(self._matrix, self._rows, FeatureScaling())

    def in_own_scale(self, x: Tensor) -> Tensor:
        """Return scaled rows (B, D) in the scale of the data set; this view holds what the scaling was fitted on."""
        return self._scaling.undo(x, self._matrix, self._rows)


@dataclass(frozen=True)
class ZeroShotTraining:
    """What training may see: labelled rows, all class vectors, perhaps an unlabelled pool.

    Attributes:
        features: n labelled rows; those of unseen classes, which there are in the few-shot setting alone, come last.
        labels: (n,) int64 global class ids, all in ``labelled_classes``.
        class_vectors: (K, A) scaled class vectors of **all** classes of the data set.
        labelled_classes: (L,) int64 global ids of the classes with labelled rows, ascending: the seen classes, and in
            the few-shot setting the unseen ones.
        unseen_classes: (U,) int64 global ids of the classes to generalise to in this stage.
        unlabelled: features of the unseen rows, without labels; only in transductive settings.
        unseen_prior: (U,) class frequencies for drawing unseen classes, in the order of ``unseen_classes``;
            only when ``class_prior=known`` leaks them on purpose, else None.
    """

    features: FeatureView
    labels: Tensor
    class_vectors: Tensor
    labelled_classes: Tensor
    unseen_classes: Tensor
    unlabelled: FeatureView | None = None
    unseen_prior: Tensor | None = None

    @property
    def shape(self) -> ZeroShotShape:
        """The sizes a model takes from the data."""
        return ZeroShotShape(
            features=self.features.width,
            class_vector=self.class_vectors.shape[1],
            classes=len(self.class_vectors),
            radius=self.features.radius,
        )

    def limited(self, rows: int) -> ZeroShotTraining:
        """Return the same with so many labelled rows; classes and the unlabelled pool stay."""
        positions = torch.from_numpy(spread(len(self.features), rows)).to(self.labels.device)
        return replace(self, features=self.features.part(positions), labels=self.labels[positions])


@dataclass(frozen=True)
class ZeroShotEvaluation:
    """Labelled rows that only an evaluator reads.

    Attributes:
        name: ``val`` or ``test``; prefix of the metrics.
        seen: held-out rows of seen classes.
        seen_labels: their global class ids.
        unseen: rows of unseen classes.
        unseen_labels: their global class ids.
        class_vectors: (K, A) scaled class vectors.
        seen_classes: (S,) candidates among the seen classes.
        unseen_classes: (U,) candidates among the unseen classes.
        class_names: K names, for figures.
    """

    name: str
    seen: FeatureView
    seen_labels: Tensor
    unseen: FeatureView
    unseen_labels: Tensor
    class_vectors: Tensor
    seen_classes: Tensor
    unseen_classes: Tensor
    class_names: tuple[str, ...]

    def unseen_frequencies(self) -> Tensor:
        """Return the (U,) shares of the unseen classes among the unseen rows."""
        counts = torch.bincount(self.unseen_labels, minlength=len(self.class_vectors))[self.unseen_classes]
        return counts.float() / len(self.unseen_labels)


ZeroShotFold = Fold[ZeroShotTraining, ZeroShotEvaluation]


class ZeroShotFolds:
    """Cuts the folds of one data set.

    Args:
        records: the data set.
        conf: how to cut and scale; its seeds are of the data set, not of the run: all runs validate on the same rows.
        device: where the tensors live; on a CPU the feature matrix is not copied.
        unlabelled: also hand the unlabelled unseen rows to training.
        known_prior: also hand the class frequencies of the unseen rows to training (a leak, on request only).
    """

    def __init__(
        self,
        records: ZeroShotRecords,
        conf: ZeroShotConf,
        device: torch.device,
        *,
        unlabelled: bool = False,
        known_prior: bool = False,
    ) -> None:
        self.records = records
        self.conf = conf
        self.device = device
        self._unlabelled = unlabelled
        self._known_prior = known_prior
        self._matrix = torch.from_numpy(records.features).to(device)

    def tune(self) -> ZeroShotFold:
        """Training classes against validation classes: no test row and no unseen class takes part."""
        records = self.records
        training = np.setdiff1d(records.seen_classes, records.validation_classes)
        is_validation = np.isin(records.labels[records.trainval], records.validation_classes)
        kept, held = held_out_rows(
            records.labels, records.trainval[~is_validation], self.conf.holdout, self.conf.holdout_seed
        )
        return self._fold("val", kept, held, records.trainval[is_validation], training, records.validation_classes)

    def final(self) -> ZeroShotFold:
        """All seen classes against the test split."""
        records = self.records
        return self._fold(
            "test",
            records.trainval,
            records.test_seen,
            records.test_unseen,
            records.seen_classes,
            records.unseen_classes,
        )

    def cut(self, stage: str) -> ZeroShotFold:
        """Return the fold of stage ``tune`` or ``final``.

        Raises:
            ValueError: another stage; a misspelt one must never open the test split.
        """
        if stage not in ("tune", "final"):
            raise ValueError(f"unknown stage {stage!r}; expected tune or final")
        return self.tune() if stage == "tune" else self.final()

    def tested(self, stage: str) -> ZeroShotFold:
        """Return the fold of the final stage, whose evaluation set is the test split.

        Raises:
            ValueError: another stage.
        """
        if stage != "final":
            raise ValueError(f"stage {stage!r} reads no test rows")
        return self.final()

    def _fold(
        self, name: str, train: Rows, seen: Rows, unseen: Rows, seen_classes: Rows, unseen_classes: Rows
    ) -> ZeroShotFold:
        labels, conf = self.records.labels, self.conf
        few, unseen = conf.of_unseen(self.records, unseen)
        train = np.concatenate([train, few])
        scaling = FeatureScaling.fit(self._matrix, self._tensor(train), conf.feature_scaling, conf.radius)
        vectors = torch.from_numpy(self.records.class_vectors).to(self.device)
        vectors = scale_class_vectors(vectors, conf.semantic_scaling, self._tensor(seen_classes))

        def view(rows: Rows) -> FeatureView:
            return FeatureView(self._matrix, self._tensor(rows), scaling)

        prior = None
        if self._known_prior:
            counts = np.bincount(labels[unseen], minlength=len(vectors))[unseen_classes]
            prior = sum_normalised(torch.from_numpy(counts).double(), 0).float().to(self.device)
        training = ZeroShotTraining(
            features=view(train),
            labels=self._tensor(labels[train]),
            class_vectors=vectors,
            labelled_classes=self._tensor(np.union1d(seen_classes, labels[few])),
            unseen_classes=self._tensor(unseen_classes),
            unlabelled=view(unseen) if self._unlabelled else None,
            unseen_prior=prior,
        )
        evaluation = ZeroShotEvaluation(
            name=name,
            seen=view(seen),
            seen_labels=self._tensor(labels[seen]),
            unseen=view(unseen),
            unseen_labels=self._tensor(labels[unseen]),
            class_vectors=vectors,
            seen_classes=self._tensor(seen_classes),
            unseen_classes=training.unseen_classes,
            class_names=self.records.class_names,
        )
        return ZeroShotFold(training, evaluation)

    def _tensor(self, values: Rows) -> Tensor:
        return on_device(values, self.device)


def zero_shot_folds(
    records: Records,
    conf: DatasetConf,
    trainer: TrainerConf,
    device: torch.device,
    kind: type[ZeroShotFolds] = ZeroShotFolds,
) -> ZeroShotFolds:
    """Return what cuts the folds of zero-shot records, by the options of the data set and what training may see."""
    assert isinstance(records, ZeroShotRecords), f"{type(records).__name__} has no seen and unseen classes"
    assert isinstance(conf, ZeroShotConf), f"{type(conf).__name__} has no seen and unseen classes"
    known_prior = trainer.prior_source() == "known"
    return kind(records, conf, device, unlabelled=trainer.sees_unlabelled(), known_prior=known_prior)
