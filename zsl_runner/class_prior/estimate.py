"""Estimates the frequencies of the unseen classes with a generator and unlabelled rows; no label takes part."""

from __future__ import annotations

import torch
from torch import Tensor

from zsl_runner.class_prior.clustering import class_means, cluster_prior
from zsl_runner.class_prior.predictions import confusion_shares, label_shift_prior, prediction_prior
from zsl_runner.classifiers.conf import ClassifierConf
from zsl_runner.classifiers.softmax import SoftmaxClassifier, fit_softmax
from zsl_runner.classifiers.synthetic import classifier_rows, real_inputs
from zsl_runner.data.zero_shot.folds import FeatureView
from zsl_runner.errors import RunError
from zsl_runner.models.base import FeatureGenerator
from zsl_runner.streams import Streams

STRATEGIES = ("cpe", "classifier", "bbse", "bbse_soft")
BLOCK = 1024


@torch.no_grad()
def estimate(
    strategy: str,
    model: FeatureGenerator,
    unlabelled: FeatureView,
    unseen_vectors: Tensor,
    conf: ClassifierConf,
    streams: Streams,
) -> Tensor:
    """Generate rows, train a classifier of the unseen classes on them and estimate their frequencies.

    ``cpe``: clusters of the unlabelled inputs that start at the means of the rows predicted as each class, or of the
    generated rows of a class that is never predicted. ``classifier``: how often each class is predicted. ``bbse``:
    label shift between as many rows generated anew and the unlabelled ones; ``bbse_soft`` counts probabilities instead
    of predictions. A share may be 0: that class is then not drawn until the next estimate.

    Args:
        strategy: one of `STRATEGIES`.
        model: the generator; its mode does not change.
        unlabelled: rows of unseen classes.
        unseen_vectors: (U, A) vectors of these classes.
        conf: how many rows are generated and how the classifier is trained.
        streams: ``generate`` and ``classifier`` are drawn from.

    Returns:
        (U,) float32 in the order of ``unseen_vectors``, sum 1.

    Raises:
        ValueError: an unknown strategy.
        NonFiniteError: the model generates features that are not finite.
        RunError: the estimate is no distribution.
    """
    if strategy not in STRATEGIES:
        raise ValueError(f"unknown strategy {strategy!r}; expected one of {', '.join(STRATEGIES)}")
    classes, per_class = len(unseen_vectors), conf.conventional_rows()

    def generated_rows() -> tuple[Tensor, Tensor]:
        return classifier_rows(model, unseen_vectors, per_class, streams, conf.inputs).conventional(per_class)

    inputs, labels = generated_rows()
    classifier = fit_softmax(inputs, labels, classes, conf.conventional(), streams["classifier"])
    centres = class_means(inputs, labels, torch.zeros_like(classifier.weight))
    del inputs  # hundreds of megabytes that the next rows can use
    real = real_inputs(model, unlabelled, conf.inputs)
    probabilities = _probabilities(classifier, real)
    if strategy == "cpe":
        prior = cluster_prior(real, class_means(real, probabilities.argmax(1), centres))
    elif strategy == "classifier":
        prior = prediction_prior(probabilities.argmax(1), classes)
    else:
        inputs, labels = generated_rows()
        votes = _probabilities(classifier, inputs)
        if strategy == "bbse":
            votes, probabilities = (_hard(shares) for shares in (votes, probabilities))
        ridge = 1 / min(len(votes), len(probabilities))
        uniform = torch.full((classes,), 1 / classes, device=votes.device)
        prior = label_shift_prior(confusion_shares(labels, votes), probabilities.double().mean(0), uniform, ridge)
    return checked_prior(prior, strategy)


def checked_prior(prior: Tensor, origin: str) -> Tensor:
    """Return ``prior`` if it is a distribution.

    Args:
        prior: (U,) shares.
        origin: where it came from, for the message.

    Raises:
        RunError: a share is negative, NaN or infinite, or they do not sum to 1 (1e-3).
    """
    if bool((prior >= 0).all()) and abs(float(prior.sum()) - 1) < 1e-3:
        return prior
    shares = ", ".join(f"{share:.4g}" for share in prior[:10].tolist()) + ", ..." * (len(prior) > 10)
    raise RunError(
        f"class prior ({origin}): expected non-negative shares with sum 1, found {shares}; "
        "the classifier has learned nothing: train longer on seen classes first, or choose another prior"
    )


def _probabilities(classifier: SoftmaxClassifier, inputs: Tensor) -> Tensor:
    blocks = torch.split(inputs, BLOCK)
    return torch.cat([classifier.log_probabilities(block) for block in blocks]).exp()


def _hard(probabilities: Tensor) -> Tensor:
    return torch.nn.functional.one_hot(probabilities.argmax(1), probabilities.shape[1])
