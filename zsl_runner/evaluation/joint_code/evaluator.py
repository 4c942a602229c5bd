"""What the variables of a code stand for, measured on images that training did not see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import torch
from torch import Tensor

from zsl_runner.data.images.folds import UNLABELLED, ImageEvaluationSet, ImageFold, ImageTrainingSet
from zsl_runner.evaluation.base import Draw, Evaluator, Measurement
from zsl_runner.evaluation.cluster_mapping import contingency, hungarian_mapping, majority_mapping, mapped_accuracy
from zsl_runner.evaluation.image_outputs import Codes, Samples
from zsl_runner.evaluation.joint_code.conf import JointCodeEvaluatorConf
from zsl_runner.evaluation.joint_code.encoding import Encoding, combinations, encode, score_of_codes
from zsl_runner.evaluation.joint_code.figures import JointCodeDetails, joint_code_figures
from zsl_runner.models.base import Model
from zsl_runner.models.joint_code import JointCodeModel
from zsl_runner.models.networks import evaluating, finite
from zsl_runner.objectives.joint_code import categorical_entropy, mutual_information
from zsl_runner.streams import Streams, derived_seed

ACTIVE: Final = 0.1
"""Nats from which a continuous variable counts as active."""


class JointCodeEvaluator(Evaluator[ImageTrainingSet, ImageEvaluationSet, JointCodeDetails]):
    """Accuracies in per cent, information, usage, divergences and reconstruction in nats.

    With several discrete variables a category is a combination of theirs.

    Args:
        conf: the evaluator's options.
        seed: the run's seed.
    """

    conf: JointCodeEvaluatorConf

    def measure(self, model: Model, fold: ImageFold, choices: Mapping[str, float]) -> Measurement[JointCodeDetails]:
        """Return the metrics of the evaluation set under the tags ``val/...`` or ``test/...``."""
        if not isinstance(model, JointCodeModel):
            raise TypeError(f"{type(model).__name__} has no continuous and discrete code")
        data, block = fold.evaluation, self.conf.batch_size
        with evaluating(model), torch.no_grad():
            found = encode(model, data.rows.images, len(data.rows), block, reconstruct=True)
            metrics, details = self._classes(model, data, found)
        information = [mutual_information(a, h) for a, h in zip(found.aggregates, found.entropies, strict=True)]
        if model.categories:
            metrics["mutual_information"] = float(torch.stack(information).sum())
            metrics["usage_entropy"] = float(sum(categorical_entropy(values.log()) for values in found.aggregates))
        metrics["KL_z"] = float(found.continuous_kl.sum())
        metrics["KL_c"] = float(found.discrete_kl.sum())
        metrics["active_latents"] = float((found.continuous_kl >= ACTIVE).sum())
        assert found.reconstruction is not None
        metrics["reconstruction"] = found.reconstruction
        if data.rows.factors is not None:
            metrics["factor_vae_score"] = 100 * score_of_codes(
                found.means,
                found.categories,
                model.categories,
                data.rows.factors,
                self.conf.factor_votes,
                self.conf.factor_batch,
                Streams(derived_seed(self.seed, "factor_votes"))["votes"],
            )
        return Measurement({f"{data.name}/{name}": value for name, value in metrics.items()}, {}, details)

    def codes(self, model: Model, data: ImageEvaluationSet, *, of_training: bool = False) -> Codes:
        """Return ``means`` of the continuous variables and the likeliest of the discrete ones' ``categories``."""
        assert isinstance(model, JointCodeModel)
        rows = data.training if of_training else data.rows
        with evaluating(model), torch.no_grad():
            found = encode(model, rows.images, len(rows), self.conf.batch_size, reconstruct=False)
        return Codes(rows.images.rows, rows.labels, {"means": found.means, "categories": found.categories})

    def samples(
        self, model: Model, data: ImageEvaluationSet, per_class: int, generator: torch.Generator
    ) -> Iterator[Samples]:
        """Yield the means of images of draws from the prior; categories have no names."""
        assert isinstance(model, JointCodeModel)
        with evaluating(model), torch.no_grad():
            for codes in torch.split(model.prior_code(per_class, generator), self.conf.batch_size):
                yield Samples(None, finite("generated images", model.decode(codes)).sigmoid())

    def figures(
        self,
        model: Model,
        data: ImageEvaluationSet,
        measurement: Measurement[JointCodeDetails],
        shown: Mapping[str, Tensor],
    ) -> Iterator[tuple[str, Draw]]:
        """Yield traversals, categories by style, draws from the prior, reconstructions, confusion, capacities."""
        assert isinstance(model, JointCodeModel)
        yield from joint_code_figures(self.seed, model, data, measurement.details, shown)

    def _classes(
        self, model: JointCodeModel, data: ImageEvaluationSet, found: Encoding
    ) -> tuple[dict[str, float], JointCodeDetails]:
        """Return the accuracies, if there are classes and categories, and the details."""
        classes = len(data.class_names)
        labelled = classes and bool((data.rows.labels != UNLABELLED).all())
        if not labelled or not model.categories:
            return {}, JointCodeDetails(found, None, None)
        training = data.training
        if data.name != "test" and self.conf.mapping_rows is not None:
            training = training.spread(self.conf.mapping_rows)
        fitted = encode(model, training.images, len(training), self.conf.batch_size, reconstruct=False)
        known, clusters, categories = combinations(fitted.categories, found.categories, model.categories)
        on_training = contingency(known, training.labels, categories, classes)
        majority, one_to_one = majority_mapping(on_training), hungarian_mapping(on_training)
        accuracies = {
            "accuracy_majority": 100 * mapped_accuracy(clusters, data.rows.labels, majority),
            "accuracy_hungarian": 100 * mapped_accuracy(clusters, data.rows.labels, one_to_one),
        }
        counts = contingency(clusters, data.rows.labels, categories, classes)
        return accuracies, JointCodeDetails(found, counts, one_to_one)
