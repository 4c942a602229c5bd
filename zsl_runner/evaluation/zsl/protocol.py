"""The zero-shot protocol: T1 among unseen classes, U, S and H among all, AUSUC, calibrated stacking."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from zsl_runner.data.folds import EvaluationSet, FeatureView
from zsl_runner.evaluation.base import Draw, Measurement, Points, Protocol
from zsl_runner.evaluation.metrics import harmonic_mean, mean_class_accuracy
from zsl_runner.evaluation.zsl.calibration import (
    SplitScores,
    StackingCurve,
    accuracies_at,
    split_scores,
    stacking_curve,
)
from zsl_runner.evaluation.zsl.conf import ZeroShotEvaluatorConf
from zsl_runner.models.base import ClassScorer, ConditionalGenerator, Model

OFFSET = "calibration_offset"


@dataclass(frozen=True)
class ZeroShotDetails:
    """Scored rows and predictions of one evaluation.

    Attributes:
        seen: summary of the rows of seen classes.
        unseen: summary of the rows of unseen classes.
        seen_predictions: (n_s,) global class ids predicted among all candidates.
        unseen_predictions: (n_u,) global class ids predicted among all candidates.
        curve: U and S over all calibration offsets.
        chosen_offset: the offset chosen on validation data, if there is one.
    """

    seen: SplitScores
    unseen: SplitScores
    seen_predictions: Tensor
    unseen_predictions: Tensor
    curve: StackingCurve
    chosen_offset: float | None


class ZeroShotProtocol(Protocol):
    """Mean-class accuracies in per cent; candidates are the stage's seen and unseen classes.

    Args:
        conf: the evaluator's options.
    """

    conf: ZeroShotEvaluatorConf

    def measure(self, model: Model, data: EvaluationSet, choices: Mapping[str, float]) -> Measurement:
        """Return T1, U, S, H and AUSUC under the tags ``<data.name>/...``.

        With ``calibration=val`` a validation measurement also chooses the offset that maximises H, and a test
        measurement also returns U_cal, S_cal and H_cal under the offset in ``choices``.
        """
        if not isinstance(model, ClassScorer):
            raise TypeError(f"{type(model).__name__} scores no classes")
        candidates = torch.cat([data.seen_classes, data.unseen_classes])
        seen_columns = torch.arange(len(candidates), device=candidates.device) < len(data.seen_classes)
        seen_scores = self._scores(model, data.seen, data.class_vectors[candidates])
        unseen_scores = self._scores(model, data.unseen, data.class_vectors[candidates])

        seen_predictions = candidates[seen_scores.argmax(1)]
        unseen_predictions = candidates[unseen_scores.argmax(1)]
        conventional = data.unseen_classes[unseen_scores[:, ~seen_columns].argmax(1)]
        seen = split_scores(seen_scores, data.seen_labels, seen_columns, candidates, of_seen=True)
        unseen = split_scores(unseen_scores, data.unseen_labels, seen_columns, candidates, of_seen=False)
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
        details = ZeroShotDetails(seen, unseen, seen_predictions, unseen_predictions, curve, choices.get(OFFSET))
        return Measurement({f"{data.name}/{name}": value for name, value in metrics.items()}, chosen, details)

    def oracle(self, measurement: Measurement) -> dict[str, float]:
        """Return ``oracle/H_cal``: H under the offset that is best on the measured split itself."""
        return {"oracle/H_cal": measurement.details.curve.best()[1]}

    def figures(self, model: Model, data: EvaluationSet, measurement: Measurement) -> Iterator[tuple[str, Draw]]:
        """Yield the confusion matrix, the U-S curve and what the model itself can show of its classes."""
        from zsl_runner.evaluation.zsl.figures import zero_shot_figures

        yield from zero_shot_figures(model, data, measurement)

    def points(self, model: Model, data: EvaluationSet) -> Iterator[Points]:
        """Yield real and generated features of the unseen classes, if the model generates any."""
        from zsl_runner.evaluation.zsl.figures import real_and_generated

        if isinstance(model, ConditionalGenerator):
            yield real_and_generated(model, data)

    def _scores(self, model: ClassScorer, rows: FeatureView, class_vectors: Tensor) -> Tensor:
        training = model.training
        model.eval()
        with torch.no_grad():
            blocks = [model.class_scores(x, class_vectors) for _, x in rows.blocks(self.conf.batch_size)]
        model.train(training)
        return torch.cat(blocks)
