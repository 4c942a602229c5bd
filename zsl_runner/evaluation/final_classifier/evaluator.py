"""The zero-shot protocol with classifiers trained on generated features.

T1 comes from a classifier of the unseen classes, U, S and H from a second one of all classes. They are two classifiers,
so T1 may be smaller than U. Labelled rows of unseen classes, where training has some, are among the rows of both.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import torch
from torch import Tensor

from zsl_runner.classifiers.conf import Schedule
from zsl_runner.classifiers.softmax import SoftmaxClassifier, fit_softmax
from zsl_runner.classifiers.synthetic import RealRows, classifier_rows
from zsl_runner.data.zero_shot.folds import FeatureView, ZeroShotEvaluation, ZeroShotFold
from zsl_runner.evaluation.final_classifier.conf import FinalClassifierEvaluatorConf
from zsl_runner.evaluation.metrics import harmonic_mean, mean_class_accuracy
from zsl_runner.evaluation.zsl.evaluator import ZeroShotEvaluator
from zsl_runner.evaluation.zsl.scorer import Scorer
from zsl_runner.models.base import FeatureGenerator, Model
from zsl_runner.streams import Streams, derived_seed

MANY_STEPS: Final = 20_000
"""Published settings take some thousands."""
LARGER_BATCH: Final = 256


class FinalClassifierEvaluator(ZeroShotEvaluator):
    """Scores rows by log-probabilities of softmax classifiers that are trained from scratch in every measurement.

    All random numbers of a measurement come from generators made afresh from the run's seed: the same model gives the
    same metrics, and no stream of training moves.

    Args:
        conf: the evaluator's options.
        seed: the run's seed.
    """

    conf: FinalClassifierEvaluatorConf

    def scorer(self, model: Model, fold: ZeroShotFold) -> Scorer:
        """Generate rows, and train both classifiers, which score.

        With ``oracle=true`` a test measurement also keeps the classifiers after each of their epochs, and gives the
        metrics of the best: ``oracle/epoch_T1``, ``oracle/epoch_H``.

        Raises:
            NonFiniteError: the model generates features that are not finite, or a classifier diverges.
        """
        if not isinstance(model, FeatureGenerator):
            raise TypeError(f"{type(model).__name__} generates no features")
        watched = self.conf.oracle and fold.evaluation.name == "test"
        conventional, joint = self._train(model, fold, watched)
        scorer = ClassifierScorer(model, conventional[-1], joint[-1])
        if watched:
            with scorer.at_work():
                scorer.oracle = self._best_epochs(model, fold.evaluation, conventional, joint)
        return scorer

    def slow(self, fold: ZeroShotFold) -> str:
        """Return that few generated rows of each class make many steps, since a step takes as many rows."""
        conf, train = self.conf.classifier, fold.train
        real = len(train.labels)
        if conf.real_per_class is not None:
            real = conf.real_per_class * len(train.labelled_classes)
        rows = real + conf.synthetic_per_class * len(train.unseen_classes)
        schedule = conf.joint()
        steps, fewer = (schedule.epochs * math.ceil(rows / size) for size in (schedule.batch_size, LARGER_BATCH))
        if conf.batch_size is not None or steps <= MANY_STEPS or steps <= fewer:
            return ""
        return (
            f"each measurement trains the classifier of all classes in {steps:,} steps of {schedule.batch_size} rows, "
            f"for so many are generated of a class; with evaluator.classifier.batch_size={LARGER_BATCH} it takes "
            f"{fewer:,} steps, and the metrics are others"
        )

    def _train(
        self, model: FeatureGenerator, fold: ZeroShotFold, watched: bool
    ) -> tuple[list[SoftmaxClassifier], list[SoftmaxClassifier]]:
        """Return the classifiers of the unseen and of all classes after each epoch, or only the final ones."""
        conf, train = self.conf.classifier, fold.train
        streams = Streams(derived_seed(self.seed, "final_classifier"), train.labels.device)
        real = RealRows.of(train, fold.evaluation.seen_classes)
        if conf.real_per_class is not None:
            real = real.balanced(conf.real_per_class, streams["real_rows"])
        rows = classifier_rows(
            model,
            train.class_vectors[train.unseen_classes],
            max(conf.synthetic_per_class, conf.conventional_rows()),
            streams,
            conf.inputs,
            real,
        )

        def fit(inputs: Tensor, labels: Tensor, classes: int, schedule: Schedule, name: str) -> list[SoftmaxClassifier]:
            earlier: list[SoftmaxClassifier] = []
            keep = (lambda classifier: earlier.append(classifier.copy())) if watched else None
            final = fit_softmax(inputs, labels, classes, schedule, streams[name], keep)
            return [*earlier[:-1], final]

        conventional = fit(
            *rows.conventional(conf.conventional_rows()), rows.unseen, conf.conventional(), "conventional"
        )
        joint = fit(*rows.joint(conf.synthetic_per_class), rows.seen + rows.unseen, conf.joint(), "joint")
        return conventional, joint

    def _best_epochs(
        self,
        model: FeatureGenerator,
        data: ZeroShotEvaluation,
        conventional: Sequence[SoftmaxClassifier],
        joint: Sequence[SoftmaxClassifier],
    ) -> dict[str, float]:
        """Return T1 and H of the classifier epoch that is best on the test labels, each by itself."""
        candidates = torch.cat([data.seen_classes, data.unseen_classes])

        def accuracies(
            rows: FeatureView, labels: Tensor, classes: Tensor, epochs: Sequence[SoftmaxClassifier]
        ) -> list[float]:
            predicted = []
            for _, x in rows.blocks(self.conf.batch_size):
                inputs = model.classifier_input(x)
                earlier = [classifier.predict(inputs) for classifier in epochs[:-1]]
                predicted.append(torch.stack([*earlier, epochs[-1].log_probabilities(inputs).argmax(1)]))
            return [mean_class_accuracy(labels, classes[places]) for places in torch.cat(predicted, 1)]

        t1 = accuracies(data.unseen, data.unseen_labels, data.unseen_classes, conventional)
        u = accuracies(data.unseen, data.unseen_labels, candidates, joint)
        s = accuracies(data.seen, data.seen_labels, candidates, joint)
        return {"oracle/epoch_T1": max(t1), "oracle/epoch_H": max(map(harmonic_mean, u, s))}


class ClassifierScorer(Scorer):
    """Log-probabilities of trained classifiers.

    Args:
        model: turns features into what the classifiers read.
        conventional: of the unseen classes.
        joint: of all candidates.
    """

    model: FeatureGenerator

    def __init__(self, model: FeatureGenerator, conventional: SoftmaxClassifier, joint: SoftmaxClassifier) -> None:
        super().__init__(model)
        self._conventional = conventional
        self._joint = joint

    def scores(self, x: Tensor) -> Tensor:
        """Return the log-probabilities of all candidates; see `Scorer.scores`."""
        return self._joint.log_probabilities(self.model.classifier_input(x))

    def with_conventional(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return the log-probabilities by either classifier."""
        inputs = self.model.classifier_input(x)
        return self._conventional.log_probabilities(inputs), self._joint.log_probabilities(inputs)
