"""Options that predictors of outputs share that are multilayer perceptrons. Never imports torch."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Provision, View


@dataclass
class OutputConf(ModelConf):
    """What the outputs are, and how wide the networks."""

    reads: ClassVar[View] = View.PAIRS

    hidden: list[int] = option([1000, 1000], "widths of the hidden layers of every network", low=1)
    dropout: float = option(0.0, "share of hidden units set to zero in training", low=0.0, high=1.0, below=True)
    likelihood: str = option(
        "auto",
        "distribution of an entry of the output: bernoulli for values in [0, 1], gaussian for any; auto: bernoulli "
        "where the data are known to lie in [0, 1]",
        choices=("auto", "bernoulli", "gaussian"),
    )
    deviation: float = option(
        1.0, "standard deviation of Gaussian outputs, in units of the scaled data", low=0.0, above=True
    )

    def fits(self, dataset: DatasetConf) -> Iterable[Problem]:
        """Pairs of numbers, images of classes, or features with class vectors; Bernoulli outputs in [0, 1]."""
        pairs = (
            Provision.PAIRS in dataset.provides and {Provision.COMPLETION, Provision.IMAGE_LABELS} & dataset.provides
        )
        if not pairs and not {Provision.FEATURES, Provision.CLASS_VECTORS} <= dataset.provides:
            yield Problem(
                "kind",
                f"{self.kind} predicts pixels from pixels or labels, or features from class vectors, and "
                f"dataset={dataset.kind} has none of these; use dataset=mnist_quadrant, dataset=mnist_images, a "
                "zero-shot data set, or another model",
            )
        scaling = getattr(dataset, "feature_scaling", None)
        if self.likelihood == "bernoulli" and not pairs and scaling != "minmax":
            yield Problem(
                "likelihood",
                f"bernoulli needs outputs in [0, 1], and dataset.feature_scaling={scaling}; use minmax or gaussian",
            )
        if self.deviation != 1 and self.likelihood == "bernoulli":
            yield Problem("deviation", "has no effect with likelihood=bernoulli")
