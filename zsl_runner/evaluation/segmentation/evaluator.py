"""Likelihood, pixel accuracy and intersection over union of label maps."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

import torch
from torch import Tensor

from zsl_runner.data.pairs.folds import Pair, PairEvaluationSet, PairFold
from zsl_runner.errors import ConfigError
from zsl_runner.evaluation.base import Draw, Measurement
from zsl_runner.evaluation.image_outputs import LabelMaps
from zsl_runner.evaluation.likelihood.estimates import RowEstimates, drawn_outputs
from zsl_runner.evaluation.likelihood.evaluator import LikelihoodEvaluator, MeanOfSome, mean_difference
from zsl_runner.evaluation.row_draws import RowDraws
from zsl_runner.evaluation.segmentation.conf import SegmentationEvaluatorConf
from zsl_runner.evaluation.segmentation.figures import segmentation_figures
from zsl_runner.evaluation.segmentation.metrics import foreground_iou, mean_class_iou, pixel_accuracy
from zsl_runner.evaluation.segmentation.partial import label_partly_hidden
from zsl_runner.models.base import Model
from zsl_runner.models.networks import evaluating, finite
from zsl_runner.models.output_prediction import Condition, OutputPredictor, draws_codes


class SegmentationEvaluator(LikelihoodEvaluator):
    """Metrics of label maps in per cent, each a mean over images, beside the likelihood.

    ``IoU`` is that of the foreground for two classes, the mean over classes for more.

    Args:
        conf: the evaluator's options.
        seed: the run's seed.
    """

    conf: SegmentationEvaluatorConf
    drawn: ClassVar[int] = 100

    def output_metrics(
        self, model: OutputPredictor, pair: Pair, condition: Condition, whole: bool, draws: RowDraws
    ) -> dict[str, Tensor | MeanOfSome]:
        """Return means over a block of images.

        ``pixel_accuracy`` and ``IoU`` of the deterministic prediction. Of test images also: both ``_averaged``, of
        probabilities averaged over drawn codes; ``diversity``, the mean absolute difference of two drawn predictions'
        probabilities; and what `hidden_metrics` measures.
        """
        predicted = finite("predictions", model.predict(condition))
        classes = predicted.shape[-3]
        labels = predicted.argmax(-3)
        metrics: dict[str, Tensor | MeanOfSome] = {
            "pixel_accuracy": self._accuracy(labels, pair),
            "IoU": self._iou(labels, pair, classes),
        }
        if not whole:
            return metrics
        if draws_codes(model):
            drawn = drawn_outputs(model, condition, self.conf.drawn_samples, draws)
            labels = drawn.mean(0).argmax(-3)
            metrics["pixel_accuracy_averaged"] = self._accuracy(labels, pair)
            metrics["IoU_averaged"] = self._iou(labels, pair, classes)
            metrics["diversity"] = 100 * mean_difference(drawn)
        return metrics | self.hidden_metrics(model, pair, classes, draws) if self.conf.hidden_side else metrics

    def hidden_metrics(
        self, model: OutputPredictor, pair: Pair, classes: int, draws: RowDraws
    ) -> dict[str, Tensor | MeanOfSome]:
        """Return metrics of images of which a square is hidden, for a model that sees the rest.

        ``hidden_accuracy`` is over the pixels of the square, ``hidden_IoU`` over the whole label map with the true
        labels outside the square; both ``_refined`` use these labels also to infer those inside.
        """
        partial = label_partly_hidden(model, pair, self.conf.hidden_side, self.conf.refinements, draws)
        valid = partial.hidden if pair.valid is None else partial.hidden & pair.valid
        inside, count = Pair(partial.x, pair.y, valid), valid.flatten(1).any(1).sum()
        found = {"": partial.predicted} | ({} if partial.refined is None else {"_refined": partial.refined})
        metrics: dict[str, Tensor | MeanOfSome] = {}
        for suffix, labels in found.items():
            completed = torch.where(partial.hidden, labels, pair.y)
            metrics[f"hidden_accuracy{suffix}"] = MeanOfSome(self._accuracy(labels, inside), count)
            metrics[f"hidden_IoU{suffix}"] = self._iou(completed, pair, classes)
        return metrics

    def label_maps(
        self, model: Model, fold: PairFold, choices: Mapping[str, float], *, of_training: bool = False
    ) -> Iterator[LabelMaps]:
        """Yield the deterministic predictions, of which the metrics are."""
        if of_training:
            raise ConfigError(
                f"evaluator {self.conf.name}: training images have masks, from which the model learned; masks are made "
                "of training images by models that learn from tags"
            )
        assert isinstance(model, OutputPredictor)
        pairs = fold.evaluation.pairs
        with evaluating(model), torch.no_grad():
            for positions, pair in pairs.blocks(self.conf.batch_size):
                predicted = finite("predictions", model.predict(model.condition(pair.x)))
                yield LabelMaps(pairs.rows[positions], predicted.argmax(-3).to(torch.uint8))

    def figures(
        self,
        model: Model,
        data: PairEvaluationSet,
        measurement: Measurement[RowEstimates | None],
        shown: Mapping[str, Tensor],
    ) -> Iterator[tuple[str, Draw]]:
        """Yield images with their masks and samples, partly hidden images, and NCLL against the number of codes."""
        assert isinstance(model, OutputPredictor)
        yield from segmentation_figures(model, data, self.conf, self.seed)
        yield from super().figures(model, data, measurement, shown)

    def _accuracy(self, labels: Tensor, pair: Pair) -> Tensor:
        return 100 * pixel_accuracy(labels, pair.y, pair.valid).nanmean()

    def _iou(self, labels: Tensor, pair: Pair, classes: int) -> Tensor:
        if classes == 2:
            return 100 * foreground_iou(labels, pair.y, pair.valid, empty=self.conf.empty_iou).mean()
        return 100 * mean_class_iou(labels, pair.y, classes, pair.valid).nanmean()
