"""Which figures the segmentation protocol draws at the end of a run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_runner.data.pairs.folds import Pair, PairEvaluationSet
from zsl_runner.data.pairs.segmentation.records import VOID, colour_map
from zsl_runner.evaluation.base import Draw
from zsl_runner.evaluation.likelihood.estimates import drawn_outputs
from zsl_runner.evaluation.row_draws import RowDraws
from zsl_runner.evaluation.segmentation.conf import SegmentationEvaluatorConf
from zsl_runner.evaluation.segmentation.partial import label_partly_hidden
from zsl_runner.models.networks import evaluating
from zsl_runner.models.output_prediction import OutputPredictor, draws_codes
from zsl_runner.streams import Streams, derived_seed

ROWS = 8
SAMPLES = 4

Pictures = dict[str, NDArray[Any]]


def segmentation_figures(
    model: OutputPredictor, data: PairEvaluationSet, conf: SegmentationEvaluatorConf, seed: int
) -> Iterator[tuple[str, Draw]]:
    """Yield (name, what draws it); nothing here moves a stream of training."""
    from zsl_runner.tracking.figures.sheets import picture_columns

    positions = torch.arange(min(ROWS, len(data.pairs)), device=data.pairs.device)
    pair = data.pairs.take(positions)
    streams = Streams(derived_seed(seed, "figures"), data.pairs.device)
    yield (
        "masks",
        lambda: picture_columns(masks(model, pair, conf.drawn_samples, streams["masks"]), "Label maps of test images"),
    )
    if conf.hidden_side:
        yield (
            "partly_hidden",
            lambda: picture_columns(
                partly_hidden(model, pair, conf, streams["hidden"]), "Test images with a hidden part"
            ),
        )


@torch.no_grad()
def masks(model: OutputPredictor, pair: Pair, samples: int, generator: torch.Generator) -> Pictures:
    """Return columns of pictures by title: image, truth, predictions and, with codes, samples and their spread."""
    with evaluating(model):
        condition = model.condition(pair.x)
        columns = {"image": _image(pair.x), "truth": _truth(pair)}
        if condition.guess is not None:
            columns["CNN"] = _most_likely(model.mean_output(condition.guess))
        if draws_codes(model):
            columns["mean code"] = _most_likely(model.mean_output(model.predict(condition)))
            drawn = drawn_outputs(model, condition, samples, RowDraws(generator))
            columns["mean of samples"] = _probability(drawn.mean(0))
            # One number for all classes: half the sum over classes is the deviation of the foreground if there are two.
            columns["deviation"] = (0.5 * drawn.var(0, correction=0).sum(-3)).sqrt().cpu().numpy()
            for number in range(min(SAMPLES, len(drawn))):
                columns[f"sample {number + 1}"] = _most_likely(drawn[number])
    return columns


@torch.no_grad()
def partly_hidden(
    model: OutputPredictor, pair: Pair, conf: SegmentationEvaluatorConf, generator: torch.Generator
) -> Pictures:
    """Return columns of pictures by title: hidden images, truth, labels without and with the known ones."""
    with evaluating(model):
        partial = label_partly_hidden(model, pair, conf.hidden_side, conf.refinements, RowDraws(generator))
    known = torch.where(partial.hidden, VOID, pair.y)
    columns = {
        "image": _image(partial.x),
        "truth": _truth(pair),
        "image alone": colour_map(partial.predicted.cpu().numpy()),
    }
    if partial.refined is not None:
        columns["known labels"] = colour_map(known.cpu().numpy())
        columns["refined"] = colour_map(partial.refined.cpu().numpy())
    return columns


def _image(x: Tensor) -> NDArray[Any]:
    return x.permute(0, 2, 3, 1).clamp(0, 1).cpu().numpy()


def _truth(pair: Pair) -> NDArray[Any]:
    labels = pair.y if pair.valid is None else torch.where(pair.valid, pair.y, VOID)
    return colour_map(labels.cpu().numpy())


def _most_likely(probabilities: Tensor) -> NDArray[Any]:
    return colour_map(probabilities.argmax(-3).cpu().numpy())


def _probability(probabilities: Tensor) -> NDArray[Any]:
    """Return the probability of the foreground of two classes, else the colours of the most likely labels."""
    if probabilities.shape[-3] == 2:
        return probabilities[:, 1].cpu().numpy()
    return _most_likely(probabilities)
