"""Options of the protocols for tasks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import ClassVar, Final

from zsl_runner.config.fields import option
from zsl_runner.config.problems import Problem
from zsl_runner.config.quantities import Quantity
from zsl_runner.config.schema import DatasetConf, EvaluatorConf, ModelConf
from zsl_runner.config.vocabulary import VALIDATING, Capability, Provision
from zsl_runner.data.tasks.options import TasksConf, ZeroShotTasksConf
from zsl_runner.evaluation.one_stage_conf import OneStageEvaluatorConf

ACCURACY: Final = Quantity("per cent", digits=2)
LOSS: Final = Quantity("per cent", lower_is_better=True, digits=2)
DISTANCE: Final = Quantity("Euclidean norm", digits=3, ranked=False)
LATER: Final = ("forg", "bwt", "plasticity", "stability")
SUMMARY: Final = ("avg_acc", "avg_inc_acc", *LATER)
KINDS: Final = ("taw", "tag")
OF_UNSEEN: Final = ("U", "H", "AUSUC")
COMMON: Final = {
    "distance_old": DISTANCE,
    "distance_auxiliary": DISTANCE,
    "weight_factor": Quantity("units of the weight given", digits=4, ranked=False),
}


@dataclass
class ContinualEvaluatorConf(OneStageEvaluatorConf):
    """Accuracy on each task after each task, with the head given (taw) and among all classes so far (tag)."""

    implementation: ClassVar[str] = "zsl_runner.evaluation.continual.evaluator:ContinualEvaluator"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.TASK_LOGITS})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.TASKS})
    quantities: ClassVar[dict[str, Quantity]] = COMMON | {
        f"{name}_{kind}": LOSS if name in ("forg", "intransigence") else ACCURACY
        for name in (*SUMMARY, "intransigence")
        for kind in KINDS
    }

    kind: str = option("continual", "the implementation; fixed by the file chosen in the group")
    name: str = option("continual", "the label in directories, tables and TensorBoard")
    select_metric: str = option(
        "val/avg_acc_taw",
        "validation metric for searches",
        choices=("val/avg_acc_taw", "val/avg_acc_tag", "val/avg_inc_acc_taw", "val/avg_inc_acc_tag"),
    )

    def problems(self) -> Iterable[Problem]:
        """Yield stages that are not for such data, and choices that look at later tasks."""
        yield from super().problems()
        yield from _selection_problems(self)

    def fits(self, model: ModelConf, dataset: DatasetConf) -> Iterable[Problem]:
        """Yield that tasks with unseen classes have a protocol of their own, which asks more of a model."""
        if Provision.ZERO_SHOT_TASKS in dataset.provides:
            protocol, able = "evaluator=continual_zero_shot", Capability.UNSEEN_LOGITS in model.capabilities
            remedy = "" if able else " with a model that has them, e.g. model=cosine_heads"
            why = "" if able else f", of which model {model.name} has no logits"
            yield Problem("kind", f"dataset {dataset.name} has unseen classes{why}; expected {protocol}{remedy}")

    def unmeasured(self, model: ModelConf, dataset: DatasetConf) -> Mapping[str, str]:
        """The only task has no earlier one that could be forgotten."""
        return _of_one_task(dataset, *(f"{name}_{kind}" for name in (*LATER, "intransigence") for kind in KINDS))


@dataclass
class ContinualZeroShotEvaluatorConf(EvaluatorConf):
    """Seen, unseen and harmonic mean after each task, and what is left of the earlier tasks."""

    implementation: ClassVar[str] = "zsl_runner.evaluation.continual.zero_shot:ContinualZeroShotEvaluator"
    requires: ClassVar[frozenset[str]] = frozenset({Capability.TASK_LOGITS, Capability.UNSEEN_LOGITS})
    needs: ClassVar[frozenset[str]] = frozenset({Provision.ZERO_SHOT_TASKS})
    quantities: ClassVar[dict[str, Quantity]] = COMMON | {
        **{f"{over}{name}": ACCURACY for over in ("", "m") for name in ("S", *OF_UNSEEN)},
        **{
            f"{name}_tag": LOSS if name in ("forg", "intransigence") else ACCURACY
            for name in (*SUMMARY, "intransigence")
        },
    }

    kind: str = option("continual_zero_shot", "the implementation; fixed by the file chosen in the group")
    name: str = option("continual_zero_shot", "the label in directories, tables and TensorBoard")
    select_metric: str = option(
        "val/mH",
        "validation metric for searches",
        choices=("val/mH", "val/mS", "val/mU", "val/mAUSUC", "val/avg_acc_tag"),
    )

    def problems(self) -> Iterable[Problem]:
        """Yield stages that are not for such data, and choices that look at later tasks."""
        yield from super().problems()
        if list(self.stages) not in (["tune"], ["final"], ["tune", "final"]):
            yield Problem("stages", "must be [tune], [final] or [tune,final], each once and in this order")
        yield from _selection_problems(self)

    def unmeasured(self, model: ModelConf, dataset: DatasetConf) -> Mapping[str, str]:
        """After the last static task no class is unseen; the only task has no earlier one to be forgotten."""
        if not set(self.stages) & set(VALIDATING):
            return {}
        found = dict(_of_one_task(dataset, *(f"{name}_tag" for name in (*LATER, "intransigence"))))
        if isinstance(dataset, ZeroShotTasksConf) and dataset.task_setting == "static":
            why = "with dataset.task_setting=static no class is unseen after the last task"
            if dataset.n_tasks == 1:
                why += ", and dataset.n_tasks=1 has no other; expected val/mS or val/avg_acc_tag, or more tasks"
                return found | {f"{over}{name}": why for over in ("", "m") for name in OF_UNSEEN}
            found |= {name: f"{why}; expected the mean over tasks, val/m{name}" for name in OF_UNSEEN}
        return found


def _of_one_task(dataset: DatasetConf, *names: str) -> Mapping[str, str]:
    """Return that metrics of several tasks are not measured if there is one."""
    one = isinstance(dataset, TasksConf) and dataset.n_tasks == 1
    return dict.fromkeys(names, "dataset.n_tasks=1 has no earlier task") if one else {}


def _selection_problems(conf: EvaluatorConf) -> Iterable[Problem]:
    """Yield that the training length would be chosen by tasks that come later, or after tasks that never came."""
    if conf.select == "val":
        yield Problem("select", "a length chosen by validation may end before the last task; expected last")
    if conf.patience is not None:
        yield Problem("patience", "early stopping would end before the last task; expected null")
