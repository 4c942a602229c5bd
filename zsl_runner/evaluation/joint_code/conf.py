"""Options of the protocol for codes of continuous and discrete variables."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import ClassVar, Final

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Idle, idle
from zsl_runner.config.quantities import Quantity
from zsl_runner.config.schema import DatasetConf, ModelConf
from zsl_runner.config.vocabulary import Capability, Provision
from zsl_runner.evaluation.one_stage_conf import OneStageEvaluatorConf

NATS: Final = Quantity("nats", digits=3)
ACCURACIES: Final = ("accuracy_majority", "accuracy_hungarian")
COST: Final = Quantity("nats", lower_is_better=True, digits=2)


@dataclass
class JointCodeEvaluatorConf(OneStageEvaluatorConf):
    """Unsupervised accuracy, information and usage of the discrete code, FactorVAE score, divergences."""

    implementation: ClassVar[str] = "zsl_runner.evaluation.joint_code.evaluator:JointCodeEvaluator"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.JOINT_CODE})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.IMAGE_ROWS})
    quantities: ClassVar[dict[str, Quantity]] = {
        **dict.fromkeys(ACCURACIES, Quantity("per cent", digits=2)),
        "mutual_information": NATS,
        "usage_entropy": NATS,
        **dict.fromkeys(("KL_z", "KL_c"), replace(NATS, ranked=False)),
        "active_latents": Quantity("continuous variables", digits=0, ranked=False),
        "reconstruction": COST,
        "factor_vae_score": Quantity("per cent", digits=2),
    }

    kind: str = option("joint_code", "the implementation; fixed by the file chosen in the group")
    name: str = option("joint_code", "the label in directories, tables and TensorBoard")
    select_metric: str = option(
        "val/reconstruction",
        "validation metric for selection, early stopping and searches; none that looks at labels",
        choices=("val/reconstruction", "val/mutual_information"),
    )
    batch_size: int = option(500, "images encoded at a time", low=1)
    mapping_rows: int | None = option(
        10_000,
        "training images, at even distances, that a validation fits the mapping of categories to classes on; the test "
        "takes all. null: all in both",
        low=1,
    )
    factor_votes: int = option(800, "votes the FactorVAE classifier is made of, and as many to score it", low=1)
    factor_batch: int = option(200, "images L of a vote, drawn with one factor held fixed", low=2)

    def idle_beside(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Idle]:
        """Yield what has no effect where no category is mapped to a class, or no factor is known."""
        if Provision.IMAGE_LABELS not in dataset.provides:
            yield from idle("images without classes", "mapping_rows")
        elif not getattr(model, "discrete", True):
            yield from idle("model.discrete=[]", "mapping_rows")
        if Provision.FACTORS not in dataset.provides:
            yield from idle("images whose factors are not known", "factor_votes", "factor_batch")

    def unmeasured(self, model: ModelConf, dataset: DatasetConf) -> Mapping[str, str]:
        """Accuracies are of categories and classes, information of categories, the score of known factors."""
        found = {}
        if Provision.FACTORS not in dataset.provides:
            found["factor_vae_score"] = "no factor of the images is known"
        if Provision.IMAGE_LABELS not in dataset.provides:
            found |= dict.fromkeys(ACCURACIES, "the images have no classes")
        if not getattr(model, "discrete", True):
            found |= dict.fromkeys((*ACCURACIES, "mutual_information", "usage_entropy"), "model.discrete=[]")
        return found
