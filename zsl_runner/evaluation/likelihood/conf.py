"""Options of the likelihood protocol."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, Problem, idle
from zsl_runner.config.quantities import Quantity
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import OF_CODES, Capability, Provision, View
from zsl_runner.evaluation.one_stage_conf import OneStageEvaluatorConf

ESTIMATORS = ("elbo", "mc", "is")
ESTIMATED = {"NCLL_ELBO": "elbo", "NCLL_MC": "mc", "NCLL_IS": "is"}
NATS = Quantity("nats", lower_is_better=True, digits=2)
ERROR = Quantity("per cent", lower_is_better=True, digits=2)


@dataclass
class LikelihoodEvaluatorConf(OneStageEvaluatorConf):
    """Negative conditional log-likelihood by bound, Monte Carlo and importance sampling; error of point predictions."""

    implementation: ClassVar[str] = "zsl_runner.evaluation.likelihood.evaluator:LikelihoodEvaluator"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.PREDICT_OUTPUT})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.PAIRS, Provision.NUMBERS})
    reads: ClassVar[View] = View.PAIRS
    quantities: ClassVar[dict[str, Quantity]] = {
        **dict.fromkeys(("NCLL", "NCLL_ELBO", "NCLL_MC", "NCLL_IS"), NATS),
        **{f"{name}_se": NATS for name in ("NCLL", "NCLL_ELBO", "NCLL_MC", "NCLL_IS")},
        "pixel_error": ERROR,
        "pixel_error_averaged": ERROR,
        "diversity": Quantity("grey levels of 255", digits=2),
    }
    of_the_test: ClassVar[tuple[str, ...]] = ("samples", "curve", "drawn_samples")

    kind: str = "likelihood"
    name: str = "likelihood"
    select_metric: str = option(
        "val/NCLL",
        "validation metric for selection, early stopping and searches",
        choices=("val/NCLL", "val/NCLL_ELBO", "val/NCLL_MC", "val/NCLL_IS", "val/pixel_error"),
    )
    batch_size: int = option(500, "rows scored at a time; 500 at most, for which numbers are drawn", low=1)
    estimators: list[str] = option(
        list(ESTIMATORS),
        "estimates of a model with codes: elbo = minus the bound; mc = Monte Carlo, codes from the prior; is = "
        "importance sampling, codes from the recognition network. NCLL is the importance-sampled one if that network "
        "was trained, else the Monte Carlo one, and the likelihood itself of a deterministic model",
        choices=ESTIMATORS,
    )
    samples: int = option(100, "codes S for each row of the test split", low=1)
    validation_samples: int = option(10, "codes S for each row of a validation", low=1)
    sample_batch: int = option(10, "codes decoded at a time", low=1)
    curve: list[int] = option(
        [1, 2, 5, 10, 20, 50, 100], "numbers of codes S in the figure of NCLL against S, up to samples", low=1
    )
    drawn_samples: int = option(10, "predictions drawn for each row for figures and for their diversity", low=2)

    def problems(self) -> Iterable[Problem]:
        """Yield what asks for estimates that are not made."""
        yield from super().problems()
        if not set(self.estimators) & {"mc", "is"} or len(set(self.estimators)) != len(self.estimators):
            yield Problem("estimators", f"expected mc, is or both, each once, found {list(self.estimators)}")

    def idle_options(self) -> Iterable[Idle]:
        """Yield numbers of codes that are more than there are."""
        yield from super().idle_options()
        beyond = [count for count in self.curve if count > self.samples]
        if beyond:
            yield from idle(f"samples={self.samples} in what is above that, {beyond}", "curve")

    def unmeasured(self, model: ModelConf, dataset: DatasetConf) -> Mapping[str, str]:
        """Only what is among the estimators, and not the likelihood of a model without codes."""
        if Capability.LATENT_OUTPUT not in model.capabilities:
            return dict.fromkeys(ESTIMATED, f"model {model.name} has no codes; take val/NCLL")
        return {
            name: f"{wanted!r} is not among evaluator.estimators"
            for name, wanted in ESTIMATED.items()
            if wanted not in self.estimators
        }

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what has no effect on a model without codes."""
        if Capability.LATENT_OUTPUT not in model.capabilities:
            yield from idle("a model without codes", *OF_CODES)
