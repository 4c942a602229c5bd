"""The zero-shot protocol: T1 among unseen classes, U, S and H among all, AUSUC, calibrated stacking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from zsl_runner.class_prior.predictions import prior_error
from zsl_runner.data.zero_shot.folds import FeatureView, ZeroShotEvaluation, ZeroShotFold, ZeroShotTraining
from zsl_runner.data.zero_shot.new_rows import own_rows, with_rows, zero_shot_fold
from zsl_runner.evaluation.base import Draw, Evaluator, Measurement, Points
from zsl_runner.evaluation.metrics import harmonic_mean, mean_class_accuracy
from zsl_runner.evaluation.predictions import Predictions
from zsl_runner.evaluation.zsl.calibration import (
    ClassScores,
    ZeroShotDetails,
    accuracies_at,
    split_scores,
    stacked,
    stacking_curve,
)
from zsl_runner.evaluation.zsl.conf import ZeroShotEvaluatorConf
from zsl_runner.models.base import ClassScorer, FeatureGenerator, Model
from zsl_runner.models.networks import evaluating, finite

OFFSET = "calibration_offset"


class ZeroShotEvaluator(Evaluator[ZeroShotTraining, ZeroShotEvaluation, ZeroShotDetails]):
    """Mean-class accuracies in per cent; candidates are the stage's seen and unseen classes.

    How rows are scored is `scores`, which a subclass may replace; everything else is shared.

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
        scores = self.scores(model, fold)
        candidates = torch.cat([data.seen_classes, data.unseen_classes])
        seen_columns = torch.arange(len(candidates), device=candidates.device) < len(data.seen_classes)

        seen_predictions = candidates[scores.seen.argmax(1)]
        unseen_predictions = candidates[scores.unseen.argmax(1)]
        conventional = data.unseen_classes[scores.conventional.argmax(1)]
        seen = split_scores(scores.seen, data.seen_labels, seen_columns, candidates, of_seen=True)
        unseen = split_scores(scores.unseen, data.unseen_labels, seen_columns, candidates, of_seen=False)
        curve = stacking_curve(seen, unseen)

        u = mean_class_accuracy(data.unseen_labels, unseen_predictions)
        s = mean_class_accuracy(data.seen_labels, seen_predictions)
        metrics = {
            "T1": mean_class_accuracy(data.unseen_labels, conventional),
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
            seen, unseen, seen_predictions, unseen_predictions, curve, choices.get(OFFSET), scores
        )
        return Measurement({f"{data.name}/{name}": value for name, value in metrics.items()}, chosen, details)

    def scores(self, model: Model, fold: ZeroShotFold) -> ClassScores:
        """Return the scores of the evaluation set's rows, the model's own; it draws nothing and learns nothing."""
        if not isinstance(model, ClassScorer):
            raise TypeError(f"{type(model).__name__} scores no classes")
        data = fold.evaluation
        vectors = data.class_vectors[torch.cat([data.seen_classes, data.unseen_classes])]
        with evaluating(model), torch.no_grad():
            seen = self._block_scores(model, data.seen, vectors)
            unseen = self._block_scores(model, data.unseen, vectors)
        return ClassScores(unseen[:, len(data.seen_classes) :], unseen, seen)

    def predictions(self, data: ZeroShotEvaluation, measurement: Measurement[ZeroShotDetails]) -> Sequence[Predictions]:
        """Return the rows of seen classes, then those of unseen ones."""
        return _groups(data, measurement.details.scores, measurement.details.chosen_offset)

    def predict(
        self, model: Model, fold: ZeroShotFold, rows: ArrayLike | Tensor, choices: Mapping[str, float]
    ) -> Predictions:
        """Assign rows to the stage's classes, with an offset in ``choices`` also under calibrated stacking.

        Raises:
            DataError: the run's data are of another kind, or the rows are not finite numbers of the features' width.
            NonFiniteError: scores are NaN or infinite.
        """
        own = zero_shot_fold(fold)
        given = with_rows(own, own_rows(rows, own.train.features.width, own.train.labels.device))
        scored = _groups(given.evaluation, self.scores(model, given), choices.get(OFFSET))[1]
        return replace(scored, name=given.evaluation.name, labels=None)

    def oracle(self, measurement: Measurement[ZeroShotDetails]) -> dict[str, float]:
        """Return ``oracle/H_cal``, H under the offset that is best on the measured split itself, and other such."""
        details = measurement.details
        return {"oracle/H_cal": details.curve.best()[1], **details.scores.oracle}

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

    def _block_scores(self, model: ClassScorer, rows: FeatureView, class_vectors: Tensor) -> Tensor:
        blocks = [model.class_scores(x, class_vectors) for _, x in rows.blocks(self.conf.batch_size)]
        return finite("class scores", torch.cat(blocks))


def _groups(data: ZeroShotEvaluation, scores: ClassScores, offset: float | None) -> tuple[Predictions, Predictions]:
    """Return the scored rows of seen and of unseen classes."""
    candidates = torch.cat([data.seen_classes, data.unseen_classes])

    def group(kind: str, rows: FeatureView, labels: Tensor, all_of: Tensor, conventional: Tensor | None) -> Predictions:
        calibrated = None if offset is None else candidates[stacked(all_of, len(data.seen_classes), offset)]
        return Predictions(f"{data.name}_{kind}", rows.rows, labels, candidates, all_of, conventional, calibrated)

    return (
        group("seen", data.seen, data.seen_labels, scores.seen, None),
        group("unseen", data.unseen, data.unseen_labels, scores.unseen, scores.conventional),
    )
