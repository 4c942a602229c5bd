"""Options of the protocol of autoencoders of images whose codes shall look like a prior."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

from zsl_runner.config.fields import option, section
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.quantities import Quantity
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision
from zsl_runner.evaluation.one_stage_conf import OneStageEvaluatorConf

ERROR = Quantity("per cent", lower_is_better=True, digits=2)
DISTANCE = Quantity("no unit", lower_is_better=True, digits=4)
CLUSTER_ERRORS = ("error_majority", "error_exemplar", "error_hungarian")


@dataclass
class PriorMatchConf:
    """Two-sample tests of the codes of all evaluated images against draws of the prior."""

    rows: int = option(
        2000, "codes, at even distances, and draws of the kernel test (MMD); a validation takes 1000 at most", low=10
    )
    permutations: int = option(500, "random divisions behind the p value of the kernel test", low=1)
    classifier_epochs: int = option(
        30, "passes of the network (two layers of 64 units) that learns on random halves of codes and draws", low=1
    )


@dataclass
class ParzenConf:
    """Log-likelihood of test images under a mixture of Gaussians around generated images."""

    samples: int = option(
        10_000, "generated images n; likelihoods of different n are not comparable. 0 leaves it out", low=0
    )
    sigmas: list[float] = option(
        [0.1, 0.12, 0.14, 0.16, 0.18, 0.2, 0.22, 0.25, 0.3],
        "window widths; the best one for validation images is taken",
        low=0.0,
        above=True,
    )
    validation_rows: int = option(1000, "validation images that choose the width", low=1)

    def idle_options(self) -> Iterable[Idle]:
        """Yield what has no effect where it is left out."""
        if self.samples == 0:
            yield from idle("samples=0", "sigmas", "validation_rows")


@dataclass
class AutoencodingEvaluatorConf(OneStageEvaluatorConf):
    """Reconstruction, prior match, classification and clustering errors, the class as z tells it, Parzen likelihood."""

    implementation: ClassVar[str] = "zsl_runner.evaluation.autoencoding.evaluator:AutoencodingEvaluator"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.ADVERSARIAL_CODES})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.IMAGE_ROWS})
    quantities: ClassVar[dict[str, Quantity]] = {
        "reconstruction": Quantity("half squared error", lower_is_better=True, digits=2),
        **dict.fromkeys(("error", *CLUSTER_ERRORS), ERROR),
        "label_from_z": Quantity("per cent", lower_is_better=True, digits=1),
        "mmd": DISTANCE,
        "mmd_null": replace(DISTANCE, ranked=False),
        "mmd_p": Quantity("probability", digits=3),
        "c2st": Quantity("per cent", lower_is_better=True, digits=1),
        "c2st_y": Quantity("per cent", lower_is_better=True, digits=1),
        "mean_shift": Quantity("prior deviations", lower_is_better=True, digits=3),
        "std_ratio": Quantity("prior deviations", lower_is_better=True, digits=3),
        "correlation": DISTANCE,
        "ks": DISTANCE,
        "confidence": Quantity("probability", digits=3, ranked=False),
        "entropy": Quantity("nats", digits=4, ranked=False),
        **dict.fromkeys(("part_share_min", "part_share_max"), Quantity("per cent", digits=1, ranked=False)),
        "log_likelihood": Quantity("nats", digits=1),
        "log_likelihood_se": Quantity("nats", lower_is_better=True, digits=1),
        "parzen_sigma": Quantity("grey levels of 1", lower_is_better=True, digits=2, ranked=False),
    }
    of_the_test: ClassVar[tuple[str, ...]] = ("prior_match.permutations", "prior_match.classifier_epochs", "parzen")

    kind: str = "autoencoding"
    name: str = "autoencoding"
    select_metric: str = option(
        "val/reconstruction",
        "validation metric for selection, early stopping and searches; val/error needs model.labels=category, "
        "the other errors need model.n_clusters",
        choices=("val/reconstruction", "val/mmd", "val/error", *(f"val/{name}" for name in CLUSTER_ERRORS)),
    )
    batch_size: int = option(1000, "rows encoded at a time; 1000 at most, for which numbers are drawn", low=1)
    validation_rows: int | None = option(
        10_000, "evaluated images of a validation, at most; null = all. The test reads all its images", low=10
    )
    fitting_rows: int = option(
        10_000, "images, at even distances, to which clusters' classes and the classifier of z are fitted: training "
        "images for a validation, validation images for the test",
        low=10,
    )  # fmt: skip
    prior_match: PriorMatchConf = section(PriorMatchConf, "two-sample tests")
    parzen: ParzenConf = section(ParzenConf, "Parzen-window log-likelihood, of the test alone")

    def problems(self) -> Iterable[Problem]:
        """Yield stages that are not for images."""
        yield from super().problems()
        if len(set(self.parzen.sigmas)) != len(self.parzen.sigmas) or not self.parzen.sigmas:
            yield Problem("parzen.sigmas", f"expected one or more different widths, found {list(self.parzen.sigmas)}")

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what has no effect where nothing is fitted to classes."""
        if Provision.IMAGE_LABELS not in dataset.provides:
            yield from idle("images without classes", "fitting_rows")

    def unmeasured(self, model: ModelConf, dataset: DatasetConf) -> Mapping[str, str]:
        """Errors are of variants with categories or clusters, on images with classes."""
        found = {}
        if (labels := getattr(model, "labels", "none")) != "category":
            found["error"] = f"it needs model.labels=category, which is {labels}"
        if getattr(model, "n_clusters", None) is None:
            found |= dict.fromkeys(CLUSTER_ERRORS, "it needs model.n_clusters")
        if Provision.IMAGE_LABELS not in dataset.provides:
            found |= dict.fromkeys(("error", *CLUSTER_ERRORS), "the images have no classes")
        return found
