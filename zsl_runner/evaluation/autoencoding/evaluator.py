"""The protocol of autoencoders of images whose codes shall look like a prior."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import torch
from torch import Tensor

from zsl_runner.data.images.folds import UNLABELLED, ImageEvaluationSet, ImageFold, ImageTrainingSet
from zsl_runner.data.stages import spread
from zsl_runner.evaluation.autoencoding.conf import AutoencodingEvaluatorConf
from zsl_runner.evaluation.autoencoding.encoding import Encoded, encode, generated
from zsl_runner.evaluation.autoencoding.figures import AutoencodingDetails, autoencoding_figures
from zsl_runner.evaluation.autoencoding.prior_match import (
    OF_SEVERAL,
    category_metrics,
    classifier_accuracy,
    kernel_metrics,
    moment_metrics,
    part_metrics,
)
from zsl_runner.evaluation.base import Draw, Evaluator, Measurement
from zsl_runner.evaluation.cluster_mapping import (
    contingency,
    exemplar_mapping,
    hungarian_mapping,
    majority_mapping,
    mapped_accuracy,
)
from zsl_runner.evaluation.image_outputs import Codes, Samples
from zsl_runner.models.adversarial_autoencoder.model import AdversarialAutoencoder
from zsl_runner.models.base import Model
from zsl_runner.models.latent_priors import sample_categories
from zsl_runner.models.networks import evaluating, finite
from zsl_runner.objectives.parzen import parzen_log_density
from zsl_runner.streams import Streams, derived_seed


class AutoencodingEvaluator(Evaluator[ImageTrainingSet, ImageEvaluationSet, AutoencodingDetails]):
    """Metrics by name; see the options.

    A validation leaves out what takes long: p values, trained classifiers, the likelihood.

    Args:
        conf: the evaluator's options.
        seed: the run's seed.
    """

    conf: AutoencodingEvaluatorConf

    def measure(self, model: Model, fold: ImageFold, choices: Mapping[str, float]) -> Measurement[AutoencodingDetails]:
        """Return the metrics of the evaluation set under the tags ``val/...`` or ``test/...``."""
        if not isinstance(model, AdversarialAutoencoder):
            raise TypeError(f"{type(model).__name__} is no adversarial autoencoder")
        data, conf = fold.evaluation, self.conf
        whole = data.name == "test"
        streams = Streams(derived_seed(self.seed, "autoencoding"), data.rows.labels.device)
        with evaluating(model), torch.no_grad():
            count = None if whole else conf.validation_rows
            encoded = encode(model, data.rows, count, conf.batch_size, streams["posterior"])
            draws = model.prior.sample(len(encoded.z), streams["prior"])
            metrics = {"reconstruction": float(encoded.errors.mean())}
            metrics |= self._prior_match(model, encoded, draws, whole, streams)
            if _has_labels(encoded):
                metrics |= self._classes(model, data, encoded, whole, streams)
            if whole and conf.parzen.samples:
                metrics |= self._likelihood(model, data, streams)
        details = AutoencodingDetails(encoded, draws)
        missing = [name for name in OF_SEVERAL if name in metrics] if len(encoded.z) == 1 else []
        undefined = {f"{data.name}/{name}": "there is one image alone" for name in missing}
        return Measurement({f"{data.name}/{name}": value for name, value in metrics.items()}, {}, details, undefined)

    def codes(self, model: Model, data: ImageEvaluationSet, *, of_training: bool = False) -> Codes:
        """Return ``z``, as it is measured, and of a model with categories ``y``, their probabilities."""
        assert isinstance(model, AdversarialAutoencoder)
        rows = data.training if of_training else data.rows
        generator = Streams(derived_seed(self.seed, "autoencoding"), rows.labels.device)["posterior"]
        with evaluating(model):
            encoded = encode(model, rows, None, self.conf.batch_size, generator)
        parts = {"z": encoded.z} | ({} if encoded.y is None else {"y": encoded.y})
        return Codes(rows.images.rows, rows.labels, parts)

    def samples(
        self, model: Model, data: ImageEvaluationSet, per_class: int, generator: torch.Generator
    ) -> Iterator[Samples]:
        """Yield images of draws from the priors, class by class if the decoder sees the class, as label or category."""
        assert isinstance(model, AdversarialAutoencoder)
        shape = data.shape.channels, data.shape.height, data.shape.width
        kinds = range(model.classes) if model.conf.labels in ("decoder", "category") else (None,)
        for kind in kinds:
            with evaluating(model):
                made = generated(model, per_class, self.conf.batch_size, generator, kind)
            yield Samples(kind, made.reshape(per_class, *shape))

    def _prior_match(
        self, model: AdversarialAutoencoder, encoded: Encoded, draws: Tensor, whole: bool, streams: Streams
    ) -> dict[str, float]:
        conf = self.conf.prior_match
        metrics = moment_metrics(encoded.z, model.prior, draws)
        rows = conf.rows if whole else min(conf.rows, 1000)
        permutations = conf.permutations if whole else 0
        # Not the first codes: MNIST's first test images are of other writers than its last.
        chosen = torch.from_numpy(spread(len(encoded.z), rows)).to(encoded.z.device)
        metrics |= kernel_metrics(encoded.z[chosen], draws[:rows], permutations, streams["permutations"])
        if encoded.y is not None:
            metrics |= category_metrics(encoded.y)
        if whole:
            metrics["c2st"] = classifier_accuracy(encoded.z, draws, conf.classifier_epochs, streams, "c2st")
            if encoded.y is not None:
                drawn = sample_categories(len(encoded.y), model.categories, streams["categories"])
                metrics["c2st_y"] = classifier_accuracy(encoded.y, drawn, conf.classifier_epochs, streams, "c2st_y")
        return metrics

    def _classes(
        self, model: AdversarialAutoencoder, data: ImageEvaluationSet, encoded: Encoded, whole: bool, streams: Streams
    ) -> dict[str, float]:
        metrics: dict[str, float] = {}
        if model.prior.has_parts and model.classes <= 10:
            metrics |= part_metrics(encoded.z, encoded.labels, model.prior)
        if model.conf.labels == "category":
            assert encoded.y is not None
            metrics["error"] = 100 * float((encoded.y.argmax(1) != encoded.labels).double().mean())
        if encoded.y is None and not whole:
            return metrics
        fitting = (data.validation if whole else data.training).spread(self.conf.fitting_rows)
        fitted_on = encode(model, fitting, None, self.conf.batch_size, streams["posterior"])
        if model.conf.n_clusters is not None:
            metrics |= cluster_errors(fitted_on, encoded, model.classes)
        if whole:
            metrics["label_from_z"] = label_from_z(fitted_on, encoded)
        return metrics

    def _likelihood(
        self, model: AdversarialAutoencoder, data: ImageEvaluationSet, streams: Streams
    ) -> dict[str, float]:
        conf = self.conf.parzen
        samples = generated(model, conf.samples, self.conf.batch_size, streams["samples"])
        chosen_on = torch.arange(min(conf.validation_rows, len(data.validation)), device=samples.device)
        validation = data.validation.images.take(chosen_on).flatten(1)
        best = int(finite("Parzen densities", parzen_log_density(validation, samples, conf.sigmas)).mean(1).argmax())
        sigma = conf.sigmas[best]
        blocks = [
            parzen_log_density(x.flatten(1), samples, [sigma])[0]
            for _, x in data.rows.images.blocks(self.conf.batch_size)
        ]
        densities = torch.cat(blocks).double()
        return {
            "log_likelihood": float(densities.mean()),
            "log_likelihood_se": float(densities.std() / len(densities) ** 0.5) if len(densities) > 1 else 0.0,
            "parzen_sigma": sigma,
        }

    def figures(
        self,
        model: Model,
        data: ImageEvaluationSet,
        measurement: Measurement[AutoencodingDetails],
        shown: Mapping[str, Tensor],
    ) -> Iterator[tuple[str, Draw]]:
        """Yield what codes and images made of them look like; see `autoencoding_figures`."""
        assert isinstance(model, AdversarialAutoencoder)
        streams = Streams(derived_seed(self.seed, "figures"), data.rows.labels.device)
        yield from autoencoding_figures(model, data, measurement.details, streams)


def _has_labels(encoded: Encoded) -> bool:
    return bool((encoded.labels != UNLABELLED).all())


def cluster_errors(fitted_on: Encoded, scored: Encoded, classes: int) -> dict[str, float]:
    """Return the errors in per cent of clusters that stand for classes.

    Args:
        fitted_on: codes of images whose labels say what each cluster stands for.
        scored: codes of the evaluated images.
        classes: number K of classes.

    Returns:
        ``error_exemplar``: a cluster has the label of the image that belongs to it most surely (the paper);
        ``error_majority``: its most frequent label; ``error_hungarian``: clusters and classes one to one, so that
        clusters beyond K are wrong.
    """
    assert fitted_on.logits is not None
    assert fitted_on.y is not None
    assert scored.y is not None
    counts = contingency(fitted_on.y.argmax(1), fitted_on.labels, fitted_on.y.shape[1], classes)
    mappings = {
        "error_exemplar": exemplar_mapping(fitted_on.logits, fitted_on.labels),
        "error_majority": majority_mapping(counts),
        "error_hungarian": hungarian_mapping(counts),
    }
    clusters = scored.y.argmax(1)
    return {name: 100 * (1 - mapped_accuracy(clusters, scored.labels, m)) for name, m in mappings.items()}


def label_from_z(fitted_on: Encoded, scored: Encoded) -> float:
    """Return the accuracy in per cent of a logistic regression from z to the label; chance if z is style alone.

    The regression is scikit-learn's, fitted until it converges, on coordinates of mean 0 and deviation 1, with its own
    penalty of half the squared weights beside the sum of the rows' losses.

    Args:
        fitted_on: codes it learns from.
        scored: codes of the evaluated images.
    """
    # Here, not above: half a second that a run without this measure need not wait for.
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    labels = fitted_on.labels.cpu().numpy()
    if (labels == labels[0]).all():
        found = np.full(len(scored.labels), labels[0])
    else:
        regression = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
        found = regression.fit(fitted_on.z.double().cpu().numpy(), labels).predict(scored.z.double().cpu().numpy())
    return 100 * float((found == scored.labels.cpu().numpy()).mean())
