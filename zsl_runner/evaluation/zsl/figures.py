"""What a zero-shot run shows at its end; each figure is drawn only when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from zsl_runner.data.stages import spread
from zsl_runner.data.zero_shot.folds import FeatureView, ZeroShotEvaluation
from zsl_runner.evaluation.base import Draw, Points
from zsl_runner.evaluation.zsl.calibration import ZeroShotDetails, accuracies_at
from zsl_runner.models.base import FeatureGenerator, Model
from zsl_runner.models.gaussian_prior_vae import GaussianPriorVAE
from zsl_runner.models.networks import evaluating
from zsl_runner.streams import Streams
from zsl_runner.tracking.figures.confusion import confusion
from zsl_runner.tracking.figures.generated_features import real_against_generated
from zsl_runner.tracking.figures.latent_space import priors_against_encodings
from zsl_runner.tracking.figures.stacking_curve import Mark, stacking_curve
from zsl_runner.tracking.figures.transduction import before_and_after, class_prior_bars

if TYPE_CHECKING:
    from matplotlib.figure import Figure

MOST_ROWS = 4000
SEED = 0


def zero_shot_figures(
    model: Model, data: ZeroShotEvaluation, details: ZeroShotDetails, shown: Mapping[str, Tensor]
) -> Iterator[tuple[str, Draw]]:
    """Yield (name, what draws it): confusion, U against S, and what the kind of model and the trainer can show.

    Nothing here draws from the run's random streams.

    Args:
        model: the trained model.
        data: the rows the measurement was made on.
        details: what the evaluator keeps of the measurement.
        shown: ``class_prior`` (U,) in use, ``before_transduction`` (n, D) rows generated before unlabelled ones were
            used, class by class in turn; either may be missing.
    """

    def draw_confusion() -> Figure:
        return confusion(
            _numpy(torch.cat([data.seen_labels, data.unseen_labels])),
            _numpy(torch.cat([details.seen_predictions, details.unseen_predictions])),
            _numpy(data.seen_classes),
            _numpy(data.unseen_classes),
            data.class_names,
        )

    def draw_stacking() -> Figure:
        # Not points of the curve: its offsets stand for intervals, and the nearest may be in another than this one.
        def mark(offset: float) -> Mark:
            return Mark(offset, *accuracies_at(details.seen, details.unseen, offset))

        chosen = None if details.chosen_offset is None else mark(details.chosen_offset)
        return stacking_curve(_numpy(details.curve.seen), _numpy(details.curve.unseen), mark(0.0), chosen)

    yield "confusion", draw_confusion
    yield "unseen_against_seen", draw_stacking
    if isinstance(model, FeatureGenerator):
        yield "generated_features", lambda: _draw_generated(model, data)
    if isinstance(model, FeatureGenerator) and "before_transduction" in shown:
        yield "transduction", lambda: _draw_transduction(model, data, shown["before_transduction"])
    if "class_prior" in shown:
        yield "class_prior", lambda: _draw_class_prior(data, shown["class_prior"])
    if isinstance(model, GaussianPriorVAE):
        yield "latent_space", lambda: _draw_latent(model, data)


def generated_rows(model: FeatureGenerator, data: ZeroShotEvaluation) -> tuple[Tensor, Tensor]:
    """Return generated features of the unseen classes and their labels, as many of each class as are real.

    Args:
        model: the generator.
        data: at most `MOST_ROWS` of its unseen rows are counted.
    """
    labels = data.unseen_labels[_spread(data.unseen)]
    streams = Streams(SEED, data.class_vectors.device)
    return model.synthesize(data.class_vectors[labels], streams), labels


def real_and_generated(model: FeatureGenerator, data: ZeroShotEvaluation) -> Points:
    """Return real and generated features of the unseen classes, labelled by class and origin."""
    real, labels = _rows(data.unseen, data.unseen_labels)
    generated, generated_labels = generated_rows(model, data)
    names = [data.class_names[label] for label in torch.cat([labels, generated_labels]).tolist()]
    origins = ["real"] * len(real) + ["generated"] * len(generated)
    return Points("unseen_features", _numpy(torch.cat([real, generated])), {"class": names, "origin": origins})


def _draw_generated(model: FeatureGenerator, data: ZeroShotEvaluation) -> Figure:
    real, labels = _rows(data.unseen, data.unseen_labels)
    generated, generated_labels = generated_rows(model, data)
    return real_against_generated(
        _numpy(real), _numpy(labels), _numpy(generated), _numpy(generated_labels), data.class_names, SEED
    )


def _draw_transduction(model: FeatureGenerator, data: ZeroShotEvaluation, before: Tensor) -> Figure:
    real, labels = _rows(data.unseen, data.unseen_labels)
    after, after_labels = generated_rows(model, data)
    turns = len(before) // len(data.unseen_classes)
    return before_and_after(
        _numpy(real),
        _numpy(labels),
        _numpy(before),
        _numpy(data.unseen_classes.repeat(turns)),
        _numpy(after),
        _numpy(after_labels),
        SEED,
    )


def _draw_class_prior(data: ZeroShotEvaluation, assumed: Tensor) -> Figure:
    names = tuple(data.class_names[index] for index in data.unseen_classes.tolist())
    return class_prior_bars(_numpy(assumed), _numpy(data.unseen_frequencies()), names)


def _draw_latent(model: GaussianPriorVAE, data: ZeroShotEvaluation) -> Figure:
    seen, seen_labels = _rows(data.seen, data.seen_labels)
    unseen, unseen_labels = _rows(data.unseen, data.unseen_labels)
    with evaluating(model), torch.no_grad():
        encodings = model.encode(torch.cat([seen, unseen])).mean
        prior = model.prior(data.class_vectors)
    deviations = (prior.log_var / 2).exp().expand_as(prior.mean)
    return priors_against_encodings(
        _numpy(encodings),
        _numpy(torch.cat([seen_labels, unseen_labels])),
        _numpy(prior.mean),
        _numpy(deviations),
        _numpy(data.seen_classes),
        _numpy(data.unseen_classes),
        data.class_names,
        SEED,
    )


def _rows(view: FeatureView, labels: Tensor) -> tuple[Tensor, Tensor]:
    positions = _spread(view)
    return view.take(positions), labels[positions]


def _spread(view: FeatureView) -> Tensor:
    """Return at most `MOST_ROWS` positions of a view, at even distances."""
    return torch.from_numpy(spread(len(view), MOST_ROWS)).to(view.device)


def _numpy(values: Tensor) -> NDArray[Any]:
    return np.asarray(values.cpu())
