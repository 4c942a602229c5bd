"""The zero-shot protocol: T1 among unseen classes, U, S and H among all, AUSUC, calibrated stacking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from zsl_runner.class_prior.predictions import prior_error
from zsl_runner.data.zero_shot.folds import ZeroShotEvaluation, ZeroShotFold, ZeroShotTraining
from zsl_runner.data.zero_shot.new_rows import own_rows, with_rows, zero_shot_fold
from zsl_runner.evaluation.base import Draw, Evaluator, Measurement, Points
from zsl_runner.evaluation.metrics import harmonic_mean, mean_class_accuracy
from zsl_runner.evaluation.predictions import Predictions
from zsl_runner.evaluation.zsl.calibration import (
    BestScores,
    ZeroShotDetails,
    accuracies_at,
    split_scores,
    stacking_curve,
)
from zsl_runner.evaluation.zsl.conf import ZeroShotEvaluatorConf
from zsl_runner.evaluation.zsl.scorer import ModelScorer, Scorer
from zsl_runner.models.base import ClassScorer, FeatureGenerator, Model

OFFSET = "calibration_offset"


class ZeroShotEvaluator(Evaluator[ZeroShotTraining, ZeroShotEvaluation, ZeroShotDetails]):
    """Mean-class accuracies in per cent; candidates are the stage's seen and unseen classes.

    How rows are scored is `scorer`, which a subclass may replace; everything else is shared.

    Args:
        conf: the evaluator's options.
        seed: the run's seed.
    """

    conf: ZeroShotEvaluatorConf

    def measure(self, model: Model, fold: ZeroShotFold, choices: Mapping[str, float]) -> Measurement[ZeroShotDetails]:
        """Return T1, U, S, H and AUSUC under the tags ``val/...`` or ``test/...``.

        With ``calibration=val`` a validation measurement also chooses the offset that maximises H, and a test
        measurement also returns U_cal, S_cal and H_cal under the offset in ``choices``.
        """
        data = fold.evaluation
        scorer = self.scorer(model, fold)
        best_of_seen, best_of_unseen, conventional = self._decided(scorer, data)
        sides = data.seen_classes, data.unseen_classes
        seen_predictions, unseen_predictions = best_of_seen.among(*sides), best_of_unseen.among(*sides)
        seen = split_scores(best_of_seen, data.seen_labels, data.seen_classes[best_of_seen.seen_place])
        unseen = split_scores(best_of_unseen, data.unseen_labels, data.unseen_classes[best_of_unseen.unseen_place])
        curve = stacking_curve(seen, unseen)

        u = mean_class_accuracy(data.unseen_labels, unseen_predictions)
        s = mean_class_accuracy(data.seen_labels, seen_predictions)
        metrics = {
            "T1": mean_class_accuracy(data.unseen_labels, data.unseen_classes[conventional]),
            "U": u,
            "S": s,
            "H": harmonic_mean(u, s),
            "AUSUC": 100 * curve.area(),
        }
        chosen: dict[str, float] = {}
        if self.conf.calibration == "val":
            offset, harmonic = curve.best()
            if OFFSET in choices:
                metrics["U_cal"], metrics["S_cal"], metrics["H_cal"] = accuracies_at(seen, unseen, choices[OFFSET])
            elif data.name == "val":
                chosen[OFFSET] = offset
                metrics["H_cal"] = harmonic
        details = ZeroShotDetails(
            seen, unseen, seen_predictions, unseen_predictions, curve, choices.get(OFFSET), scorer
        )
        return Measurement({f"{data.name}/{name}": value for name, value in metrics.items()}, chosen, details)

    def scorer(self, model: Model, fold: ZeroShotFold) -> Scorer:
        """Return what scores the evaluation set's rows, the model itself; it draws nothing and learns nothing."""
        if not isinstance(model, ClassScorer):
            raise TypeError(f"{type(model).__name__} scores no classes")
        data = fold.evaluation
        vectors = data.class_vectors[torch.cat([data.seen_classes, data.unseen_classes])]
        return ModelScorer(model, vectors, len(data.seen_classes))

    def predictions(self, data: ZeroShotEvaluation, measurement: Measurement[ZeroShotDetails]) -> Iterator[Predictions]:
        """Yield blocks of the rows of seen classes, then of unseen ones, scored once more by the model as it is.

        Scores of all rows are never there at once: of 100,000 rows and 5,000 classes they would fill gigabytes.
        """
        details = measurement.details
        for of_seen in (True, False):
            yield from self._predicted(details.scorer, data, details.chosen_offset, of_seen=of_seen)

    def predict(
        self, model: Model, fold: ZeroShotFold, rows: ArrayLike | Tensor, choices: Mapping[str, float]
    ) -> Iterator[Predictions]:
        """Assign rows to the stage's classes, with an offset in ``choices`` also under calibrated stacking.

        Raises:
            DataError: the run's data are of another kind, or the rows are not finite numbers of the features' width.
            NonFiniteError: scores are NaN or infinite.
        """
        own = zero_shot_fold(fold)
        given = with_rows(own, own_rows(rows, own.train.features.width, own.train.labels.device))
        blocks = self._predicted(self.scorer(model, given), given.evaluation, choices.get(OFFSET), of_seen=False)
        return (replace(block, name=given.evaluation.name, labels=None) for block in blocks)

    def oracle(self, measurement: Measurement[ZeroShotDetails]) -> dict[str, float]:
        """Return ``oracle/H_cal``, H under the offset that is best on the measured split itself, and other such."""
        details = measurement.details
        return {"oracle/H_cal": details.curve.best()[1], **details.scorer.oracle}

    def diagnose(self, data: ZeroShotEvaluation, shown: Mapping[str, Tensor]) -> dict[str, float]:
        """Return ``prior_error``, 100 times the L1 distance of the class prior in use from the rows' frequencies."""
        if "class_prior" not in shown:
            return {}
        return {"prior_error": 100 * prior_error(shown["class_prior"], data.unseen_frequencies())["l1"]}

    def figures(
        self,
        model: Model,
        data: ZeroShotEvaluation,
        measurement: Measurement[ZeroShotDetails],
        shown: Mapping[str, Tensor],
    ) -> Iterator[tuple[str, Draw]]:
        """Yield the confusion matrix, the U-S curve and what model and trainer can show of the classes."""
        from zsl_runner.evaluation.zsl.figures import zero_shot_figures

        yield from zero_shot_figures(model, data, measurement.details, shown)

    def points(self, model: Model, data: ZeroShotEvaluation) -> Iterator[Points]:
        """Yield real and generated features of the unseen classes, if the model generates any."""
        from zsl_runner.evaluation.zsl.figures import real_and_generated

        if isinstance(model, FeatureGenerator):
            yield real_and_generated(model, data)

    def _decided(self, scorer: Scorer, data: ZeroShotEvaluation) -> tuple[BestScores, BestScores, Tensor]:
        """Return what decides the rows of seen and of unseen classes, and the (n_u,) places of T1's predictions."""
        seen_classes, block = len(data.seen_classes), self.conf.batch_size
        of_unseen, conventional = [], []
        with scorer.at_work():
            of_seen = [BestScores.of(scorer.scores(x), seen_classes) for _, x in data.seen.blocks(block)]
            for _, x in data.unseen.blocks(block):
                alone, every = scorer.with_conventional(x)
                of_unseen.append(BestScores.of(every, seen_classes))
                conventional.append(alone.argmax(1))
        return BestScores.joined(of_seen), BestScores.joined(of_unseen), torch.cat(conventional)

    def _predicted(
        self, scorer: Scorer, data: ZeroShotEvaluation, offset: float | None, *, of_seen: bool
    ) -> Iterator[Predictions]:
        """Yield blocks of the scored rows of seen or of unseen classes."""
        name, rows, labels = (
            ("seen", data.seen, data.seen_labels) if of_seen else ("unseen", data.unseen, data.unseen_labels)
        )
        candidates = torch.cat([data.seen_classes, data.unseen_classes])
        for positions, x in rows.blocks(self.conf.batch_size):
            with scorer.at_work():  # not around what is yielded: whoever asks for blocks works in between
                conventional, scores = (None, scorer.scores(x)) if of_seen else scorer.with_conventional(x)
            calibrated = None
            if offset is not None:
                best = BestScores.of(scores, len(data.seen_classes))
                calibrated = best.among(data.seen_classes, data.unseen_classes, offset)
            yield Predictions(
                f"{data.name}_{name}",
                rows.rows[positions],
                labels[positions],
                candidates,
                scores,
                conventional,
                calibrated,
            )
