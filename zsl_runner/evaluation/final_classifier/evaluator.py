"""The zero-shot protocol with classifiers trained on generated features.

T1 comes from a classifier of the unseen classes, U, S and H from a second one of all classes. They are two classifiers,
so T1 may be smaller than U.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.classifiers.conf import Schedule
from zsl_runner.classifiers.softmax import SoftmaxClassifier, fit_softmax
from zsl_runner.classifiers.synthetic import RealRows, classifier_rows
from zsl_runner.data.zero_shot.folds import FeatureView, ZeroShotEvaluation, ZeroShotFold
from zsl_runner.evaluation.final_classifier.conf import FinalClassifierEvaluatorConf
from zsl_runner.evaluation.metrics import harmonic_mean, mean_class_accuracy
from zsl_runner.evaluation.zsl.calibration import ClassScores
from zsl_runner.evaluation.zsl.evaluator import ZeroShotEvaluator
from zsl_runner.models.base import FeatureGenerator, Model
from zsl_runner.models.networks import evaluating
from zsl_runner.streams import Streams, derived_seed


class FinalClassifierEvaluator(ZeroShotEvaluator):
    """Scores rows by log-probabilities of softmax classifiers that are trained from scratch in every measurement.

    All random numbers of a measurement come from generators made afresh from the run's seed: the same model gives the
    same metrics, and no stream of training moves.

    Args:
        conf: the evaluator's options.
        seed: the run's seed.
    """

    conf: FinalClassifierEvaluatorConf

    def scores(self, model: Model, fold: ZeroShotFold) -> ClassScores:
        """Generate rows, train both classifiers and score the evaluation set.

        With ``oracle=true`` a test measurement also keeps the classifiers after each of their epochs, and gives the
        metrics of the best: ``oracle/epoch_T1``, ``oracle/epoch_H``.

        Raises:
            NonFiniteError: the model generates features that are not finite, or a classifier diverges.
        """
        if not isinstance(model, FeatureGenerator):
            raise TypeError(f"{type(model).__name__} generates no features")
        data = fold.evaluation
        watched = self.conf.oracle and data.name == "test"
        conventional, joint = self._train(model, fold, watched)
        with evaluating(model), torch.no_grad():
            conventional_scores, unseen = self._score(model, data.unseen, [conventional, joint])
            (seen,) = self._score(model, data.seen, [joint])
        return ClassScores(
            conventional=conventional_scores.log_probabilities,
            unseen=unseen.log_probabilities,
            seen=seen.log_probabilities,
            oracle=_best_epochs(data, conventional_scores, unseen, seen) if watched else {},
        )

    def _train(
        self, model: FeatureGenerator, fold: ZeroShotFold, watched: bool
    ) -> tuple[list[SoftmaxClassifier], list[SoftmaxClassifier]]:
        """Return the classifiers of the unseen and of all classes after each epoch, or only the final ones."""
        conf, train = self.conf.classifier, fold.train
        streams = Streams(derived_seed(self.seed, "final_classifier"), train.labels.device)
        rows = classifier_rows(
            model,
            train.class_vectors[train.unseen_classes],
            max(conf.synthetic_per_class, conf.conventional_rows()),
            streams,
            conf.inputs,
            RealRows(train.features, train.labels, train.seen_classes),
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

    def _score(
        self, model: FeatureGenerator, rows: FeatureView, trained: Sequence[Sequence[SoftmaxClassifier]]
    ) -> list[_Scored]:
        """Score rows by each of the trained classifiers; what a row is turned into is computed once."""
        blocks: list[list[_Scored]] = [[] for _ in trained]
        for _, x in rows.blocks(self.conf.batch_size):
            inputs = model.classifier_input(x)
            for classifiers, found in zip(trained, blocks, strict=True):
                final = classifiers[-1].log_probabilities(inputs)
                earlier = [classifier.predict(inputs) for classifier in classifiers[:-1]]
                found.append(_Scored(final, torch.stack([*earlier, final.argmax(1)])))
        return [
            _Scored(torch.cat([b.log_probabilities for b in found]), torch.cat([b.predictions for b in found], 1))
            for found in blocks
        ]


@dataclass(frozen=True)
class _Scored:
    """Scored rows.

    Attributes:
        log_probabilities: (n, C) of the trained classifier.
        predictions: (E, n) winning columns after each watched epoch, the last one last.
    """

    log_probabilities: Tensor
    predictions: Tensor


def _best_epochs(data: ZeroShotEvaluation, conventional: _Scored, unseen: _Scored, seen: _Scored) -> dict[str, float]:
    """Return T1 and H of the classifier epoch that is best on the test labels, each by itself."""
    candidates = torch.cat([data.seen_classes, data.unseen_classes])

    def accuracies(labels: Tensor, classes: Tensor, scored: _Scored) -> list[float]:
        return [mean_class_accuracy(labels, classes[columns]) for columns in scored.predictions]

    t1 = accuracies(data.unseen_labels, data.unseen_classes, conventional)
    u = accuracies(data.unseen_labels, candidates, unseen)
    s = accuracies(data.seen_labels, candidates, seen)
    return {"oracle/epoch_T1": max(t1), "oracle/epoch_H": max(map(harmonic_mean, u, s))}
